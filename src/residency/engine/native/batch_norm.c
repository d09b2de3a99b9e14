/* Batch normalization, then perhaps an addition, then perhaps an activation, on rows
 * of channels: one pass for the statistics, one for the result, two for the gradients.
 * Plain C in loops that compilers vectorize: values are loaded before they are chosen
 * from, as no load under a condition is. batch_norm.inc is compiled twice, for float
 * and for bfloat16; all arithmetic is in float, all sums end in double.
 *
 * Rows of few channels are taken several at a time, as one row of `width` values, a
 * multiple of the channels: long loops, whatever the network. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define MINIMUM_WIDTH 128
/* ReLU, ReLU6, leaky ReLU or nothing; NaN stays, and infinity times 0 is 0 here. */
#define BELOW(v) ((v) > 0 ? (v) : slope != 0 ? (v) * slope : (v) != (v) ? (v) : 0.0f)
#define CUT(v) (BELOW(v) > ceiling ? ceiling : BELOW(v))
#define THROUGH(z) ((z) > 0 ? ((z) < ceiling ? 1.0f : 0.0f) : slope)
#define FLUSH 64 /* rows summed in float before they go to double */

static long width_of(long channels, long rows) {
    long width = channels;
    while (width < MINIMUM_WIDTH && (rows * channels) % (2 * width) == 0) width *= 2;
    return width;
}

static float *repeated(const float *values, long channels, long width) {
    float *all = malloc(width * sizeof(float));
    if (all)
        for (long j = 0; j < width; j++) all[j] = values[j % channels];
    return all;
}

static long threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

static long thread(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* Adds up what the threads summed, always in the same order. */
static void gather(double *sums, long channels) {
    for (long t = 1; t < threads(); t++)
        for (long c = 0; c < 2 * channels; c++) sums[c] += sums[t * 2 * channels + c];
}

#define NAME(x) x##_f32
#define VALUE float
#define LOAD(v) (v)
#define STORE(v) (v)
#include "batch_norm.inc"
#undef NAME
#undef VALUE
#undef LOAD
#undef STORE

static inline float from_bf16(uint16_t v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static inline uint16_t to_bf16(float f) { /* to the nearest, ties to even */
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (uint16_t)(f != f ? 0x7fc0 : rounded);
}

#define NAME(x) x##_bf16
#define VALUE uint16_t
#define LOAD(v) from_bf16(v)
#define STORE(v) to_bf16(v)
#include "batch_norm.inc"
