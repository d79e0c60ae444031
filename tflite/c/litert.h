/* What generator.c uses of LiteRT's C interface, as of 2.3: the Python wheel `ai-edge-litert` has
   libLiteRt.so without its headers. They are at github.com/google-ai-edge/LiteRT, litert/c. */

#ifndef LITERT_H
#define LITERT_H

#include <stddef.h>
#include <stdint.h>

typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT *LiteRtTensorBufferRequirements;

typedef struct {
  int32_t element_type;
  uint32_t rank;  /* and a bit for strides */
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtRankedTensorType;

enum { kLiteRtHwAcceleratorCpu = 1 };
enum { kLiteRtTensorBufferLockModeRead = 0, kLiteRtTensorBufferLockModeWrite = 1 };

/* Each returns 0, or a status that says what went wrong. */
int LiteRtCreateEnvironment(int options, const void *option, LiteRtEnvironment *);
int LiteRtCreateModelFromFile(LiteRtEnvironment, const char *path, LiteRtModel *);
int LiteRtCreateOptions(LiteRtOptions *);
int LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int accelerators);
int LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions,
                              LiteRtCompiledModel *);
int LiteRtGetNumModelSignatures(LiteRtModel, size_t *);
int LiteRtGetModelSignature(LiteRtModel, size_t, LiteRtSignature *);
int LiteRtGetSignatureKey(LiteRtSignature, const char **);
int LiteRtGetNumSignatureInputs(LiteRtSignature, size_t *);
int LiteRtGetNumSignatureOutputs(LiteRtSignature, size_t *);
int LiteRtGetSignatureInputName(LiteRtSignature, size_t, const char **);
int LiteRtGetSignatureOutputName(LiteRtSignature, size_t, const char **);
int LiteRtGetSignatureInputTensorByIndex(LiteRtSignature, size_t, LiteRtTensor *);
int LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature, size_t, LiteRtTensor *);
int LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType *);
int LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t,
                                                  LiteRtTensorBufferRequirements *);
int LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t,
                                                   LiteRtTensorBufferRequirements *);
int LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment,
                                                    const LiteRtRankedTensorType *,
                                                    LiteRtTensorBufferRequirements,
                                                    LiteRtTensorBuffer *);
int LiteRtGetTensorBufferPackedSize(LiteRtTensorBuffer, size_t *);
int LiteRtLockTensorBuffer(LiteRtTensorBuffer, void **, int mode);
int LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
int LiteRtRunCompiledModel(LiteRtCompiledModel, size_t signature, size_t, LiteRtTensorBuffer *,
                           size_t, LiteRtTensorBuffer *);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel);
void LiteRtDestroyOptions(LiteRtOptions);
void LiteRtDestroyModel(LiteRtModel);
void LiteRtDestroyEnvironment(LiteRtEnvironment);

#endif
