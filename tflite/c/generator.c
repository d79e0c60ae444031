#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litert.h"

enum { INPUT, OUTPUT, SIDES, MOST_TENSORS = 32, MOST_GRAPHS = 8 };

typedef struct {
  const char *key;
  size_t count[SIDES];
  const char *names[SIDES][MOST_TENSORS];
  size_t sizes[SIDES][MOST_TENSORS];
  LiteRtTensorBuffer buffers[SIDES][MOST_TENSORS];
} Graph;

struct Generator {
  LiteRtEnvironment environment;
  LiteRtModel model;
  LiteRtOptions options;
  LiteRtCompiledModel compiled;
  size_t count;
  Graph graphs[MOST_GRAPHS];
};

#define CHECK(call)                                            \
  do {                                                         \
    int status = (call);                                       \
    if (status) {                                              \
      fprintf(stderr, "%s: LiteRT status %d\n", #call, status); \
      return -1;                                               \
    }                                                          \
  } while (0)

static int copy(LiteRtTensorBuffer buffer, void *data, size_t size, int mode) {
  void *memory;
  CHECK(LiteRtLockTensorBuffer(buffer, &memory, mode));
  if (mode == kLiteRtTensorBufferLockModeRead)
    memcpy(data, memory, size);
  else
    memcpy(memory, data, size);
  CHECK(LiteRtUnlockTensorBuffer(buffer));
  return 0;
}

static int make_tensor(Generator *g, size_t at, LiteRtSignature signature, int side, size_t i) {
  Graph *graph = &g->graphs[at];
  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements wanted;
  if (side == INPUT) {
    CHECK(LiteRtGetSignatureInputName(signature, i, &graph->names[side][i]));
    CHECK(LiteRtGetSignatureInputTensorByIndex(signature, i, &tensor));
    CHECK(LiteRtGetCompiledModelInputBufferRequirements(g->compiled, at, i, &wanted));
  } else {
    CHECK(LiteRtGetSignatureOutputName(signature, i, &graph->names[side][i]));
    CHECK(LiteRtGetSignatureOutputTensorByIndex(signature, i, &tensor));
    CHECK(LiteRtGetCompiledModelOutputBufferRequirements(g->compiled, at, i, &wanted));
  }
  CHECK(LiteRtGetRankedTensorType(tensor, &type));
  LiteRtTensorBuffer *buffer = &graph->buffers[side][i];
  CHECK(LiteRtCreateManagedTensorBufferFromRequirements(g->environment, &type, wanted, buffer));
  CHECK(LiteRtGetTensorBufferPackedSize(*buffer, &graph->sizes[side][i]));
  void *zeros = calloc(1, graph->sizes[side][i]);
  int failed = !zeros || copy(*buffer, zeros, graph->sizes[side][i],
                              kLiteRtTensorBufferLockModeWrite);
  free(zeros);
  return failed ? -1 : 0;
}

static int load(Generator *g, const char *path) {
  CHECK(LiteRtCreateEnvironment(0, NULL, &g->environment));
  CHECK(LiteRtCreateModelFromFile(g->environment, path, &g->model));
  CHECK(LiteRtCreateOptions(&g->options));
  CHECK(LiteRtSetOptionsHardwareAccelerators(g->options, kLiteRtHwAcceleratorCpu));
  CHECK(LiteRtCreateCompiledModel(g->environment, g->model, g->options, &g->compiled));
  CHECK(LiteRtGetNumModelSignatures(g->model, &g->count));
  if (g->count > MOST_GRAPHS) return fprintf(stderr, "%s: too many signatures\n", path), -1;
  for (size_t at = 0; at < g->count; at++) {
    Graph *graph = &g->graphs[at];
    LiteRtSignature signature;
    CHECK(LiteRtGetModelSignature(g->model, at, &signature));
    CHECK(LiteRtGetSignatureKey(signature, &graph->key));
    CHECK(LiteRtGetNumSignatureInputs(signature, &graph->count[INPUT]));
    CHECK(LiteRtGetNumSignatureOutputs(signature, &graph->count[OUTPUT]));
    for (int side = INPUT; side < SIDES; side++) {
      if (graph->count[side] > MOST_TENSORS)
        return fprintf(stderr, "%s: too many tensors\n", path), -1;
      for (size_t i = 0; i < graph->count[side]; i++)
        if (make_tensor(g, at, signature, side, i)) return -1;
    }
  }
  return 0;
}

Generator *generator_open(const char *path) {
  Generator *g = calloc(1, sizeof *g);
  if (g && load(g, path)) {
    generator_close(g);
    return NULL;
  }
  return g;
}

static Graph *find(Generator *g, const char *key) {
  for (size_t at = 0; at < g->count; at++)
    if (!strcmp(g->graphs[at].key, key)) return &g->graphs[at];
  fprintf(stderr, "%s: no such graph\n", key);
  return NULL;
}

static int index_of(const Graph *graph, int side, const char *name) {
  for (size_t i = 0; i < graph->count[side]; i++)
    if (!strcmp(graph->names[side][i], name)) return (int)i;
  return -1;
}

static int transfer(Generator *g, const char *key, const char *name, int side, void *data,
                    size_t size) {
  Graph *graph = find(g, key);
  if (!graph) return -1;
  int i = index_of(graph, side, name);
  if (i < 0 || graph->sizes[side][i] != size) {
    fprintf(stderr, "%s: no tensor %s of %zu bytes\n", key, name, size);
    return -1;
  }
  int mode = side == INPUT ? kLiteRtTensorBufferLockModeWrite : kLiteRtTensorBufferLockModeRead;
  return copy(graph->buffers[side][i], data, size, mode);
}

int generator_write(Generator *g, const char *key, const char *name, const void *data,
                    size_t size) {
  return transfer(g, key, name, INPUT, (void *)data, size);
}

int generator_read(Generator *g, const char *key, const char *name, void *data, size_t size) {
  return transfer(g, key, name, OUTPUT, data, size);
}

int generator_run(Generator *g, const char *key) {
  Graph *graph = find(g, key), *step = find(g, "step");
  if (!graph || !step) return -1;
  CHECK(LiteRtRunCompiledModel(g->compiled, (size_t)(graph - g->graphs), graph->count[INPUT],
                               graph->buffers[INPUT], graph->count[OUTPUT],
                               graph->buffers[OUTPUT]));
  for (size_t i = 0; i < graph->count[OUTPUT]; i++) {
    int to = index_of(step, INPUT, graph->names[OUTPUT][i]);
    if (to < 0) continue;
    void *memory;
    CHECK(LiteRtLockTensorBuffer(graph->buffers[OUTPUT][i], &memory,
                                 kLiteRtTensorBufferLockModeRead));
    int failed = copy(step->buffers[INPUT][to], memory, step->sizes[INPUT][to],
                      kLiteRtTensorBufferLockModeWrite);
    CHECK(LiteRtUnlockTensorBuffer(graph->buffers[OUTPUT][i]));
    if (failed) return -1;
  }
  return 0;
}

void generator_close(Generator *g) {
  for (size_t at = 0; at < g->count; at++)
    for (int side = INPUT; side < SIDES; side++)
      for (size_t i = 0; i < g->graphs[at].count[side]; i++)
        if (g->graphs[at].buffers[side][i])
          LiteRtDestroyTensorBuffer(g->graphs[at].buffers[side][i]);
  if (g->compiled) LiteRtDestroyCompiledModel(g->compiled);
  if (g->options) LiteRtDestroyOptions(g->options);
  if (g->model) LiteRtDestroyModel(g->model);
  if (g->environment) LiteRtDestroyEnvironment(g->environment);
  free(g);
}
