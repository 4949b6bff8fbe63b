#define REAL_BITS 32
#define TABLE fastact_avx2_f32
#define VECTOR_HEADER "vec_avx2.h"
#include "../table.h"
