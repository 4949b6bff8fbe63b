#define REAL_BITS 64
#define TABLE fastact_avx2_f64
#define VECTOR_HEADER "vec_avx2.h"
#include "../table.h"
