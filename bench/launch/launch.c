/* Host cost of a kernel launch from C: what bench/launch/launch.mjs compares itself with.

   launch CUBIN ENTRY GRID BLOCK SHARED PDL ROUNDS BATCH [OFFSET:pBYTES | OFFSET:SIZE:HEX]...

   Each parameter is a fresh allocation of BYTES bytes or SIZE bytes of a number in hexadecimal. Prints, for each round, the
   mean nanoseconds of a launch in a batch that the queue holds, and the nanoseconds of a replay of a graph of BATCH
   launches divided by BATCH. */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { unsigned id; char pad[4]; uint32_t value[16]; } Attribute;
typedef struct { unsigned grid[3], block[3], shared; void *stream; Attribute *attributes; unsigned count; } Config;

static void *library;

static void *find(const char *name) {
    void *function = dlsym(library, name);
    if (!function) { fprintf(stderr, "no %s\n", name); exit(1); }
    return function;
}

#define CALL(name, ...) \
    do { \
        static int (*function)(); \
        if (!function) *(void **)&function = find(#name); \
        int status = function(__VA_ARGS__); \
        if (status) { fprintf(stderr, "%s: %d\n", #name, status); exit(1); } \
    } while (0)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 9) return 2;
    library = dlopen("libcuda.so.1", RTLD_NOW);
    if (!library) { fprintf(stderr, "%s\n", dlerror()); return 1; }
    unsigned grid = atoi(argv[3]), block = atoi(argv[4]), shared = atoi(argv[5]);
    int pdl = atoi(argv[6]), rounds = atoi(argv[7]), batch = atoi(argv[8]);

    void *context, *module, *kernel, *stream;
    CALL(cuInit, 0);
    CALL(cuDevicePrimaryCtxRetain, &context, 0);
    CALL(cuCtxSetCurrent, context);
    FILE *file = fopen(argv[1], "rb");
    if (!file) { perror(argv[1]); return 1; }
    static char image[1 << 24];
    if (fread(image, 1, sizeof image, file) == 0) return 1;
    CALL(cuModuleLoadData, &module, image);
    CALL(cuModuleGetFunction, &kernel, module, argv[2]);
    CALL(cuStreamCreate, &stream, 1u);

    static _Alignas(64) unsigned char parameters[4096];
    size_t size = 0;
    for (int i = 9; i < argc; i++) {
        unsigned offset = 0, width = 8, bytes = 0;
        unsigned long long value = 0;
        if (sscanf(argv[i], "%u:p%u", &offset, &bytes) == 2) {
            uint64_t address;
            CALL(cuMemAlloc_v2, &address, (size_t)bytes);
            CALL(cuMemsetD8_v2, address, (unsigned char)0, (size_t)bytes);
            value = address;
        } else if (sscanf(argv[i], "%u:%u:%llx", &offset, &width, &value) != 3) return 2;
        memcpy(parameters + offset, &value, width);
        if (offset + width > size) size = offset + width;
    }
    Attribute attribute = {.id = 6, .value = {1}};
    Config config = {{grid, 1, 1}, {block, 1, 1}, shared, stream, &attribute, pdl ? 1 : 0};
    void *extra[] = {(void *)1, parameters, (void *)2, &size, 0};

    int (*launch)(Config *, void *, void **, void **);
    *(void **)&launch = find("cuLaunchKernelEx");
    int (*replay)(void *, void *);
    *(void **)&replay = find("cuGraphLaunch");
    void *graph, *executable;
    CALL(cuStreamBeginCapture_v2, stream, 1);
    for (int i = 0; i < batch; i++) launch(&config, kernel, 0, extra);
    CALL(cuStreamEndCapture, stream, &graph);
    CALL(cuGraphInstantiateWithFlags, &executable, graph, (unsigned long long)0);
    for (int round = -3; round < rounds; round++) {
        double start = now();
        for (int i = 0; i < batch; i++)
            if (launch(&config, kernel, 0, extra)) return 1;
        double launched = now();
        CALL(cuStreamSynchronize, stream);
        double before = now();
        if (replay(executable, stream)) return 1;
        double replayed = now();
        CALL(cuStreamSynchronize, stream);
        if (round >= 0) printf("%.1f %.1f\n", (launched - start) / batch, (replayed - before) / batch);
    }
    return 0;
}
