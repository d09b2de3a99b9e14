/* A convolution of few channels, in bfloat16 with sums in float, stride 1, on images whose
 * channels come last:
 *
 *   y[n][r][q][f] = bias[f] + sum over i, j, c of
 *                   x[n][r + i - top][q + j - left][c] * w[f][i][j][c]
 *
 * The processor multiplies pairs and adds both products up: pairs of channels, which lie
 * beside each other, times those of 16 filters, which are laid out so. A tile holds the
 * sums of 8 pixels of a row in registers. The rows that a row of results reads lie in a
 * ring with zeros around them, so no tile meets a border, and stay in the cache.
 *
 * The gradient of the images is such a convolution of that of the results, with the kernel
 * turned by half a circle, and filters and channels changed over. */

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    !defined(__AMX_BF16__)

#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16 /* filters of a vector */
#define PIXELS 8 /* of a tile */
#define ROWS 16  /* that a thread makes at a time */
#define LINE 64  /* bytes of a cache line, and of a vector */

#define INLINE static inline __attribute__((always_inline))

typedef struct {
    long batch, height, width, channels;
    long out_height, out_width, filters;
    long kernel_height, kernel_width, top, left;
    long turned; /* the kernel lies as that whose gradient this is */
} Geometry;

static long least(long a, long b) { return a < b ? a : b; }
static long rounded(long a, long b) { return (a + b - 1) / b * b; }

/* Lays out, for 16 filters after another, tap by tap, a vector of each pair of channels. */
static void lay_kernel(const Geometry *g, const uint16_t *w, uint16_t *to) {
    const long taps = g->kernel_height * g->kernel_width;
    const long channels = g->channels, filters = g->filters;
    for (long f = 0; f < filters; f += LANES)
        for (long t = 0; t < taps; t++)
            for (long c = 0; c < channels; c += 2)
                for (long l = f; l < f + LANES; l++)
                    for (long e = c; e < c + 2; e++)
                        *to++ = g->turned ? w[(e * taps + taps - 1 - t) * filters + l]
                                          : w[(l * taps + t) * channels + e];
}

/* Makes `count` pixels of 16 filters, or of 16 and the next 16, from pixel `at` of `rows`,
 * which hold zeros where the image does not. */
INLINE void tile(const Geometry *g, const uint16_t *const *rows, long at, long count,
                 const __m512i *w, const float *bias, uint16_t *y, const int vectors) {
    const long channels = g->channels;
    const long block = g->kernel_height * g->kernel_width * channels / 2;
    __m512 sums[PIXELS][2];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 8
        for (int p = 0; p < PIXELS; p++)
            sums[p][v] = bias ? _mm512_loadu_ps(bias + v * LANES) : _mm512_setzero_ps();
    for (long i = 0; i < g->kernel_height; i++) {
        const uint16_t *x = rows[i] + at * channels;
        for (long j = 0; j < g->kernel_width; j++, x += channels)
            for (long c = 0; c < channels; c += 2, w++) {
                __m512bh k[2];
#pragma GCC unroll 2
                for (int v = 0; v < vectors; v++)
                    k[v] = (__m512bh)_mm512_load_si512(w + v * block);
#pragma GCC unroll 8
                for (int p = 0; p < PIXELS; p++) {
                    int32_t both;
                    memcpy(&both, x + p * channels + c, sizeof both);
                    const __m512bh pair = (__m512bh)_mm512_set1_epi32(both);
#pragma GCC unroll 2
                    for (int v = 0; v < vectors; v++)
                        sums[p][v] = _mm512_dpbf16_ps(sums[p][v], pair, k[v]);
                }
            }
    }
#pragma GCC unroll 8
    for (int p = 0; p < PIXELS; p++)
        if (p < count)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
                _mm256_storeu_si256((__m256i *)(y + p * g->filters + v * LANES),
                                    (__m256i)_mm512_cvtneps_pbh(sums[p][v]));
}

/* Makes rows r0 to r1 of an image. `ring` holds a row of zeros behind those of the kernel. */
static void make_rows(const Geometry *g, const uint16_t *x, const uint16_t *kernel,
                      const float *bias, uint16_t *y, long r0, long r1, uint16_t *ring,
                      long row) {
    const long high = g->kernel_height, size = g->width * g->channels;
    const long block = high * g->kernel_width * g->channels * LANES;
    const uint16_t *rows[high];
    long next = r0 - g->top; /* of the image's rows, the first that the ring lacks */
    for (long r = r0; r < r1; r++) {
        for (; next < r - g->top + high; next++)
            if (next >= 0 && next < g->height)
                memcpy(ring + next % high * row + g->left * g->channels, x + next * size,
                       size * sizeof *x);
        for (long i = 0; i < high; i++) {
            const long n = r - g->top + i;
            rows[i] = ring + (n < 0 || n >= g->height ? high : n % high) * row;
        }
        for (long f = 0; f < g->filters; f += 2 * LANES)
            for (long q = 0; q < g->out_width; q += PIXELS) {
                const long count = least(PIXELS, g->out_width - q);
                const __m512i *w = (const __m512i *)(kernel + f / LANES * block);
                const float *b = bias ? bias + f : NULL;
                uint16_t *to = y + (r * g->out_width + q) * g->filters + f;
                if (f + LANES < g->filters) tile(g, rows, q, count, w, b, to, 2);
                else tile(g, rows, q, count, w, b, to, 1);
            }
    }
}

/* Takes an even number of channels and a multiple of 16 filters. Returns 0, or 1 where
 * memory ran out. */
int direct_convolution(const uint16_t *x, const uint16_t *w, const float *bias, uint16_t *y,
                       const long *numbers) {
    const Geometry *g = (const Geometry *)numbers;
    const long pixels = rounded(g->out_width, PIXELS) + g->kernel_width - 1;
    const long row = rounded(pixels * g->channels, LINE / 2);
    const long taps = g->kernel_height * g->kernel_width;
    const long image = g->height * g->width * g->channels;
    const long result = g->out_height * g->out_width * g->filters;
    const long parts = (g->out_height + ROWS - 1) / ROWS;
    uint16_t *kernel = aligned_alloc(LINE, taps * g->channels * g->filters * sizeof *w);
    int failed = !kernel;
    if (!failed) {
        lay_kernel(g, w, kernel);
#pragma omp parallel reduction(| : failed)
        {
            const long bytes = (g->kernel_height + 1) * row * sizeof *x;
            uint16_t *ring = aligned_alloc(LINE, bytes);
            failed = !ring;
            if (!failed) {
                memset(ring, 0, bytes);
#pragma omp for schedule(static) nowait /* not all come here if memory runs out */
                for (long n = 0; n < g->batch * parts; n++) {
                    const long r = n % parts * ROWS;
                    make_rows(g, x + n / parts * image, kernel, bias,
                              y + n / parts * result, r, least(r + ROWS, g->out_height),
                              ring, row);
                }
            }
            free(ring);
        }
    }
    free(kernel);
    return failed;
}

#else /* oneDNN is as good where pairs are not multiplied, and better where there is AMX */

int direct_convolution(const void *x, const void *w, const void *bias, void *y,
                       const long *numbers) {
    (void)x, (void)w, (void)bias, (void)y, (void)numbers;
    return 2;
}

#endif
