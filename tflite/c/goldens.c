/* Checks bundles against their goldens.json:  goldens FOLDER...

   Prints the largest difference as a share of the tolerance: at most 1 is a pass. */

#include <cjson/cJSON.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generator.h"

static const double MASKED = 1e4;  /* values beyond are masked logits, and equal */

static void die(const char *what) {
  fprintf(stderr, "goldens: %s\n", what);
  exit(2);
}

static cJSON *get(const cJSON *object, const char *key) {
  cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!value) die(key);
  return value;
}

static cJSON *read_json(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) die(path);
  size_t size = (size_t)ftell(file);
  char *text = malloc(size);
  rewind(file);
  if (!text || fread(text, 1, size, file) != size) die(path);
  fclose(file);
  cJSON *json = cJSON_ParseWithLength(text, size);
  free(text);
  if (!json) die(path);
  return json;
}

static int digit(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *found = c ? strchr(digits, c) : NULL;
  return found ? (int)(found - digits) : -1;
}

/* The bytes of an array {"dtype", "shape", "base64"}; the caller frees them. */
static unsigned char *unpack(const cJSON *array, size_t *size) {
  const char *text = get(array, "base64")->valuestring;
  unsigned char *bytes = malloc(strlen(text) + 1);
  uint32_t bits = 0;
  int held = 0;
  *size = 0;
  for (; bytes && digit(*text) >= 0; text++) {
    bits = bits << 6 | (uint32_t)digit(*text);
    if ((held += 6) >= 8) bytes[(*size)++] = (unsigned char)(bits >> (held -= 8));
  }
  return bytes;
}

static size_t elements(const cJSON *array) {
  size_t count = 1;
  const cJSON *length;
  cJSON_ArrayForEach(length, get(array, "shape")) count *= (size_t)length->valueint;
  return count;
}

static double value(const void *data, const char *dtype, size_t i) {
  if (!strcmp(dtype, "float32")) return ((const float *)data)[i];
  if (!strcmp(dtype, "int32")) return ((const int32_t *)data)[i];
  return ((const uint8_t *)data)[i];
}

/* The largest difference of a result from its golden, relative to the golden's largest value. */
static double difference(Generator *g, const char *graph, const cJSON *golden) {
  const char *dtype = get(golden, "dtype")->valuestring;
  size_t width = strcmp(dtype, "uint8") ? 4 : 1, count = elements(golden), size;
  const cJSON *every = cJSON_GetObjectItemCaseSensitive(golden, "every");
  size_t stride = every ? (size_t)every->valueint : 1;
  unsigned char *wanted = unpack(golden, &size), *got = malloc(count * width);
  if (!wanted || !got || generator_read(g, graph, golden->string, got, count * width))
    die(golden->string);
  double scale = 1, worst = 0;
  for (size_t i = 0; i * width < size; i++) {
    double a = value(wanted, dtype, i), b = value(got, dtype, i * stride);
    if (fabs(a) > MASKED && fabs(b) > MASKED) continue;
    scale = fmax(scale, fabs(a));
    worst = isnan(b) ? INFINITY : fmax(worst, fabs(a - b));
  }
  free(wanted);
  free(got);
  return worst / scale;
}

static double run(Generator *g, const char *graph, const cJSON *inputs, const cJSON *goldens,
                  double *seconds) {
  const cJSON *array;
  struct timespec start, end;
  cJSON_ArrayForEach(array, inputs) {
    size_t size;
    unsigned char *bytes = unpack(array, &size);
    if (!bytes || generator_write(g, graph, array->string, bytes, size)) die(array->string);
    free(bytes);
  }
  clock_gettime(CLOCK_MONOTONIC, &start);
  if (generator_run(g, graph)) die(graph);
  clock_gettime(CLOCK_MONOTONIC, &end);
  *seconds += (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
  double worst = 0;
  cJSON_ArrayForEach(array, goldens) worst = fmax(worst, difference(g, graph, array));
  return worst;
}

int main(int count, char **folders) {
  int failed = count < 2;
  if (failed) fprintf(stderr, "usage: goldens FOLDER...\n");
  for (int i = 1; i < count; i++) {
    cJSON *bundle = read_json(folders[i], "bundle.json");
    cJSON *goldens = read_json(folders[i], "goldens.json");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folders[i], get(bundle, "model")->valuestring);
    Generator *g = generator_open(path);
    if (!g) return 2;
    double worst = 0, encode = 0, step = 0;
    int cases = 0, steps = 0;
    const cJSON *golden, *symbol;
    cJSON_ArrayForEach(golden, get(goldens, "cases")) {
      worst = fmax(worst, run(g, "encode", get(golden, "condition"), get(golden, "encoded"),
                              &encode));
      cases++;
      cJSON_ArrayForEach(symbol, get(golden, "steps")) {
        worst = fmax(worst, run(g, "step", get(symbol, "symbol"), get(symbol, "outputs"), &step));
        steps++;
      }
    }
    double share = worst / get(goldens, "tolerance")->valuedouble;
    printf("%s: %.3f of the tolerance; encode %.2f ms, step %.3f ms\n", folders[i], share,
           1e3 * encode / cases, 1e3 * step / steps);
    failed |= !(share <= 1);
    generator_close(g);
    cJSON_Delete(bundle);
    cJSON_Delete(goldens);
  }
  return failed;
}
