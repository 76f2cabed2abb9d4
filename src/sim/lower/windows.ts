/** Windows of the generic address space: the high word of their addresses. */
export const WINDOWS = { shared: 1, local: 2, param: 3 } as const;
