#define REAL_BITS 32
#define TABLE fastact_avx512_f32
#define VECTOR_HEADER "vec_avx512.h"
#include "../table.h"
