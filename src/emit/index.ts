/** IR in tile form -> text: CuTeDSL modules and TypeScript bindings. */

export { gridExpr, renderModule, type ModuleHeader, type RenderedModule } from './module.js';
