/* Made by tools/make_constants.py; do not edit.  Arrays of coefficients begin with the lowest power. */
#if REAL_BITS == 32
#define LOG2_E 0x1.7154760000000p+0f
#define LN2_HI 0x1.62e0000000000p-1f
#define LN2_LO 0x1.0bfbe80000000p-15f
static const real exp2_eighths_hi[8] = {
    0x1.0000000000000p+0f,
    0x1.172b840000000p+0f,
    0x1.306fe00000000p+0f,
    0x1.4bfdae0000000p+0f,
    0x1.6a09e60000000p+0f,
    0x1.8ace540000000p+0f,
    0x1.ae89fa0000000p+0f,
    0x1.d5818e0000000p+0f,
};
static const real exp2_eighths_lo[8] = {
    0x0.0p+0f,
    -0x1.c157420000000p-27f,
    0x1.4636e20000000p-25f,
    -0x1.593abc0000000p-25f,
    0x1.9fcef40000000p-26f,
    0x1.15506e0000000p-27f,
    -0x1.a94b140000000p-26f,
    -0x1.822dbc0000000p-27f,
};
static const real expm1_rest[3] = {
    0x1.0000000000000p-1f,
    0x1.555b7c0000000p-3f,
    0x1.55596e0000000p-5f,
};
#define TANH_STEP 0x1.eb851e0000000p-1f
#define TANH_START 0x1.8000000000000p-1f
#define TANH_END 0x1.2400000000000p+3f
static const real tanh_centre[8] = {
    0x1.d30eee0000000p+0f,
    0x1.7097780000000p+1f,
    0x1.1b63bc0000000p+2f,
    0x1.9eb1120000000p+2f,
    0x1.0a28ca0000000p+3f,
    0x0.0p+0f,
    0x1.09a8880000000p-1f,
    0x1.0eaa220000000p+0f,
};
static const real tanh_c0[8] = {
    0x1.e608040000000p-1f,
    0x1.fcc7ee0000000p-1f,
    0x1.ffdaa40000000p-1f,
    0x1.ffff620000000p-1f,
    0x1.fffffc0000000p-1f,
    0x0.0p+0f,
    0x1.e844360000000p-2f,
    0x1.91b9f80000000p-1f,
};
static const real tanh_c1[8] = {
    0x1.94f6440000000p-4f,
    0x1.9abd680000000p-7f,
    0x1.2ad4620000000p-11f,
    0x1.3c08700000000p-17f,
    0x1.0025920000000p-22f,
    -0x1.78de0c0000000p-37f,
    0x1.8b977c0000000p-1f,
    0x1.8997de0000000p-2f,
};
static const real tanh_c2[8] = {
    -0x1.806c180000000p-4f,
    -0x1.9828520000000p-7f,
    -0x1.2abf060000000p-11f,
    -0x1.3c09b20000000p-17f,
    -0x1.0025b80000000p-22f,
    0x1.6a27ea0000000p-28f,
    -0x1.7941160000000p-2f,
    -0x1.34d2660000000p-2f,
};
static const real tanh_c3[8] = {
    0x1.cbddc40000000p-5f,
    0x1.0cad620000000p-7f,
    0x1.8e3bf80000000p-12f,
    0x1.a584cc0000000p-18f,
    0x1.558cee0000000p-23f,
    -0x1.5555720000000p-2f,
    -0x1.4f61b80000000p-4f,
    0x1.bc71920000000p-4f,
};
static const real tanh_c4[8] = {
    -0x1.6888be0000000p-6f,
    -0x1.05deae0000000p-8f,
    -0x1.8db3160000000p-13f,
    -0x1.a5421c0000000p-19f,
    -0x1.55821a0000000p-24f,
    0x1.bc95160000000p-17f,
    0x1.4b75be0000000p-3f,
    0x1.f84ebe0000000p-7f,
};
static const real tanh_c5[8] = {
    0x1.1fcc0e0000000p-8f,
    0x1.8d8f3e0000000p-10f,
    0x1.3af6c80000000p-14f,
    0x1.4e64a80000000p-20f,
    0x1.1086fe0000000p-25f,
    0x1.10a6a00000000p-3f,
    -0x1.0b5c940000000p-5f,
    -0x1.4562e80000000p-5f,
};
static const real tanh_c6[8] = {
    0x1.1f95020000000p-10f,
    -0x1.d9f4700000000p-12f,
    -0x1.a36f200000000p-16f,
    -0x1.c237420000000p-22f,
    -0x1.6ca76e0000000p-27f,
    0x1.be90500000000p-10f,
    -0x1.7d34ea0000000p-5f,
    0x1.3d34340000000p-6f,
};
static const real tanh_c7[8] = {
    -0x1.9abffe0000000p-10f,
    0x1.951a680000000p-14f,
    0x1.0acc900000000p-17f,
    0x1.209c8e0000000p-23f,
    0x1.bd4e2c0000000p-29f,
    -0x1.fbded80000000p-5f,
    0x1.c97c6c0000000p-6f,
    0x1.36aeba0000000p-14f,
};
static const real tanh_c8[8] = {
    0x1.7f75b40000000p-11f,
    -0x1.0b43840000000p-17f,
    -0x1.fdd9e40000000p-20f,
    -0x1.0b71640000000p-25f,
    -0x1.a7a4640000000p-31f,
    0x1.4b05960000000p-6f,
    0x1.83b82e0000000p-8f,
    -0x1.716b460000000p-8f,
};
#else
#define LOG2_E 0x1.71547652b82fep+0
#define LN2_HI 0x1.62e42fefa0000p-1
#define LN2_LO 0x1.cf79abc9e3b3ap-40
static const real exp2_eighths_hi[8] = {
    0x1.0000000000000p+0,
    0x1.172b83c7d517bp+0,
    0x1.306fe0a31b715p+0,
    0x1.4bfdad5362a27p+0,
    0x1.6a09e667f3bcdp+0,
    0x1.8ace5422aa0dbp+0,
    0x1.ae89f995ad3adp+0,
    0x1.d5818dcfba487p+0,
};
static const real exp2_eighths_lo[8] = {
    0x0.0p+0,
    -0x1.19041b9d78a76p-55,
    0x1.6f46ad23182e4p-55,
    0x1.d4397afec42e2p-56,
    -0x1.bdd3413b26456p-54,
    0x1.6e9f156864b27p-54,
    0x1.7a1cd345dcc81p-54,
    0x1.2ed02d75b3707p-55,
};
static const real expm1_rest[7] = {
    0x1.0000000000000p-1,
    0x1.555555555559dp-3,
    0x1.5555555555572p-5,
    0x1.1111110c65bbfp-7,
    0x1.6c16c1685a7e7p-10,
    0x1.a01edd94e0c6ep-13,
    0x1.a01de4c96acd4p-16,
};
#endif
