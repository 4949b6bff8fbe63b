#define REAL_BITS 64
#define TABLE fastact_neon_f64
#define VECTOR_HEADER "vec_neon.h"
#include "../table.h"
