#define REAL_BITS 64
#define TABLE fastact_generic_f64
#define VECTOR_HEADER "vec_generic.h"
#include "../table.h"
