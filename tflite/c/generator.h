/* A model of the suite in C: `encode` reads a condition once, `step` makes a symbol at a time.

       Generator *g = generator_open("model_int8.tflite");
       generator_write(g, "encode", "source", ids, sizeof ids);    each input of encode
       generator_run(g, "encode");                                 the first state
       for (;;) {
         generator_write(g, "step", "symbol", &symbol, sizeof symbol);
         generator_run(g, "step");                                 takes the state and keeps it
         generator_read(g, "step", "logits", logits, sizeof logits);
         symbol = ...
       }
       generator_close(g);

   Names, shapes and dtypes are in bundle.json; all tensors are packed, row-major, little-endian.
   A result of `encode` or `step` that is also an input of `step` is passed on by itself. To go
   back to an earlier state, as beam search does, read it and write it again. Functions return 0,
   or -1 after a line on stderr. One generator belongs to one thread. */

#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>

typedef struct Generator Generator;

/* Loads a model; NULL if that fails. Inputs are zero until they are written. */
Generator *generator_open(const char *path);

/* Writes an input, or reads a result, of a graph. `size` is in bytes and must be the tensor's. */
int generator_write(Generator *g, const char *graph, const char *name, const void *data, size_t size);
int generator_read(Generator *g, const char *graph, const char *name, void *data, size_t size);

/* Runs `encode` or `step` and passes the state on to the next `step`. */
int generator_run(Generator *g, const char *graph);

void generator_close(Generator *g);

#endif
