/* Batch normalization, then perhaps an addition, then perhaps an activation, on rows
 * of channels: one pass for the statistics, one for the result, two for the gradients.
 *
 *   batch_norm.inc          the passes, for float and for bfloat16
 *   batch_norm_rows.inc     what they do to some rows, in C that compilers vectorize
 *   batch_norm_avx512.inc   the same by hand, where the processor knows bfloat16
 *
 * Values are loaded before they are chosen from, as no load under a condition is
 * vectorized. All arithmetic is in float, all sums end in double. Rows of few channels
 * are taken several at a time, as one row of `width` values, a multiple of the channels:
 * long loops, whatever the network. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define MINIMUM_WIDTH 128
#define FLUSH 64 /* rows summed in float before they go to double */

/* ReLU, ReLU6, leaky ReLU or nothing; NaN stays, and infinity times 0 is 0 here. */
#define BELOW(v) ((v) > 0 ? (v) : slope != 0 ? (v) * slope : (v) != (v) ? (v) : 0.0f)
#define CUT(v) (BELOW(v) > ceiling ? ceiling : BELOW(v))
#define THROUGH(d, z) ((z) > 0 ? ((z) < ceiling ? (d) : 0.0f) : slope != 0 ? (d) * slope : 0.0f)

#if defined(__AVX512BF16__) && defined(__AVX512BW__)
#include <immintrin.h>
#include "batch_norm_avx512.inc"
#else
#define VALUES 1
#endif

typedef struct {
    long channels, rows, width; /* rows of `width` values */
    int wide;                   /* by batch_norm_avx512.inc */
} Shape;

static long least(long a, long b) { return a < b ? a : b; }

static Shape shape_of(long channels, long rows, int can_be_wide) {
    long width = channels;
    while (width < MINIMUM_WIDTH && (rows * channels) % (2 * width) == 0) width *= 2;
    const int wide = can_be_wide && VALUES > 1 && width % VALUES == 0;
    return (Shape){channels, rows * channels / width, width, wide};
}

/* Returns which value of a row column j of factors and sums belongs to. */
static long place(long j, Shape shape) {
    if (!shape.wide) return j;
    const long half = VALUES / 2, k = j % VALUES;
    return j - k + (k < half ? 2 * k : 2 * (k - half) + 1);
}

/* Writes the values of the channels to all columns of a row. */
static void repeat(float *to, const float *values, Shape shape) {
    for (long j = 0; j < shape.width; j++) to[j] = values[place(j, shape) % shape.channels];
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

/* Moves two rows of sums from float to double. */
static void flush(double *sums, float *s, long width) {
    for (long j = 0; j < 2 * width; j++) sums[j] += s[j];
    memset(s, 0, 2 * width * sizeof(float));
}

/* Returns what the threads summed, channel by channel, added in the same order always. */
static const double *gather(double *sums, Shape shape) {
    const long width = shape.width, count = threads();
    double *totals = sums + count * 2 * width;
    for (long t = 0; t < count; t++, sums += 2 * width)
        for (long j = 0; j < width; j++) {
            const long c = place(j, shape) % shape.channels;
            totals[c] += sums[j];
            totals[shape.channels + c] += sums[width + j];
        }
    return totals;
}

#define NAME(x) x##_f32
#define VALUE float
#define LOAD(v) (v)
#define STORE(v) (v)
#define CAN_BE_WIDE 0
#define PLAIN(x) x##_f32
#include "batch_norm_rows.inc"
#define ROWS(x) x##_f32
#include "batch_norm.inc"
#undef NAME
#undef VALUE
#undef LOAD
#undef STORE
#undef CAN_BE_WIDE
#undef PLAIN
#undef ROWS

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
#define CAN_BE_WIDE 1
#define PLAIN(x) x##_bf16
#include "batch_norm_rows.inc"
#if VALUES > 1
#define ROWS(x) (shape.wide ? x##_wide : x##_bf16)
#else
#define ROWS(x) x##_bf16
#endif
#include "batch_norm.inc"
