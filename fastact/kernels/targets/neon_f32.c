#define REAL_BITS 32
#define TABLE fastact_neon_f32
#define VECTOR_HEADER "vec_neon.h"
#include "../table.h"
