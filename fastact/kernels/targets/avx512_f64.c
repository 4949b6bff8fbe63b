#define REAL_BITS 64
#define TABLE fastact_avx512_f64
#define VECTOR_HEADER "vec_avx512.h"
#include "../table.h"
