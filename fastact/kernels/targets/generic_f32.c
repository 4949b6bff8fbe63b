#define REAL_BITS 32
#define TABLE fastact_generic_f32
#define VECTOR_HEADER "vec_generic.h"
#include "../table.h"
