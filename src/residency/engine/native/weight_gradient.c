/* The gradient of a convolution's kernel, in bfloat16 with sums in float, on images whose
 * channels come last:
 *
 *   dw[f][i][j][c] = sum over n, r, q of dy[n][r][q][f] * x[n][r * s + i][q * s + j][c]
 *
 * The processor multiplies pairs and adds both products up. Neighbouring pixels of a row
 * make the pairs here, so both tensors are laid out anew, a part that stays in the cache
 * at a time:
 *
 *   pixels      16 channels of two pixels that lie a stride apart, alternating: a vector
 *   gradients   8 filters of two neighbours, alternating
 *
 * A tile then holds the sums of 8 filters with up to three vectors of pixels (the columns
 * of the kernel, or blocks of channels) in registers and goes over the whole part. Threads
 * take images while the sums are small, else blocks of channels. */

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    !defined(__AMX_BF16__)

#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define LANES 16   /* channels of a vector */
#define FILTERS 8  /* of a tile */
#define VECTORS 3  /* of a tile, at most */
#define GROUP 4    /* blocks of channels laid out together: they lie in two lines */
#define LINE 64    /* bytes of a cache line, and of a vector */
#define FLAT 64    /* pixels of a row where rows mean nothing */
#define AHEAD 12   /* pixels to fetch ahead, and */
#define AHEAD_BYTES 2048 /* of gradients */
#define PIXELS (256 << 10) /* bytes of a part: a second-level cache holds both */
#define GRADIENTS (256 << 10)
#define OWN_SUMS (512 << 10) /* bytes of sums up to which each thread has its own */

#define INLINE static inline __attribute__((always_inline))

typedef struct {
    long batch, height, width, channels;
    long out_height, out_width, filters;
    long kernel_height, kernel_width, stride, top, left;
    long has_bias;
    long pixels, out_pixels; /* of all images */
} Geometry;

/* Images n0 to n1, and of each the output rows r0 to r1. */
typedef struct {
    long n0, n1, r0, r1;
} Part;

/* Of a part, laid out: sizes in vectors of pixels and bytes of blocks. */
typedef struct {
    long pairs;          /* of a row of outputs; the last may lack its second */
    long row;            /* vectors of a row of inputs */
    long rows;           /* of inputs, an image */
    long pixel_block;    /* bytes of 16 channels */
    long gradient_block; /* bytes of 8 filters */
} Layout;

typedef struct {
    const char *pixels[VECTORS], *gradients;
    long pixel_step, pixel_row, pixel_image; /* bytes */
    long gradient_row, gradient_image;
    long images, rows, pairs;
    float *sums[VECTORS];
    long next_filter; /* in floats */
    __mmask16 lanes[VECTORS];
    long filters;
} Tile;

static long least(long a, long b) { return a < b ? a : b; }
static long most(long a, long b) { return a > b ? a : b; }
static long parts_of(long a, long b) { return (a + b - 1) / b; }

/* Fetching what is not there does nothing. */
INLINE void fetch(const uint16_t *at) { _mm_prefetch((const char *)at, _MM_HINT_T0); }

/* An odd number of lines: blocks then begin in different sets of the cache. */
static long spread(long bytes) { return (parts_of(bytes, LINE) | 1) * LINE; }

static Layout layout(const Geometry *g, Part part) {
    const long images = part.n1 - part.n0, rows = part.r1 - part.r0;
    Layout l = {.pairs = parts_of(g->out_width, 2)};
    l.row = g->stride == 1 ? 2 * l.pairs + g->kernel_width - 2 : g->kernel_width * l.pairs;
    l.rows = (rows - 1) * g->stride + g->kernel_height;
    l.pixel_block = spread(images * l.rows * l.row * LINE);
    l.gradient_block = spread(images * rows * l.pairs * FILTERS * 4);
    return l;
}

/* Returns up to 16 values; zeros for what is not there. */
INLINE __m256i values(const uint16_t *from, long count) {
    if (!from || count <= 0) return _mm256_setzero_si256();
    if (count >= LANES) return _mm256_loadu_si256((const __m256i *)from);
    return _mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), from);
}

INLINE __m512i alternating(__m256i a, __m256i b) {
    const __m512i order = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
        23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
    return _mm512_permutexvar_epi16(order, both);
}

/* Adds up the gradients of each filter, too, if `bias` is there, of a vector's length. */
static void lay_gradients(const Geometry *g, const uint16_t *dy, Part part, char *to,
                          float *bias) {
    const Layout l = layout(g, part);
    const long filters = g->filters;
    const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3f80);
    const uint16_t *end = dy + g->out_pixels * filters;
    for (long n = part.n0; n < part.n1; n++)
        for (long r = part.r0; r < part.r1; r++) {
            const uint16_t *row = dy + (n * g->out_height + r) * g->out_width * filters;
            for (long i = 0; i < l.pairs; i++, to += FILTERS * 4) {
                const uint16_t *a = row + 2 * i * filters, *b = a + filters;
                if (a >= end) a = NULL;
                if (b >= end || 2 * i + 1 >= g->out_width) b = NULL;
                char *out = to;
                for (long f = 0; f < 2 * filters; f += LINE / 2)
                    fetch(row + 2 * i * filters + f + AHEAD_BYTES / 2);
                for (long f = 0; f < filters; f += LANES, out += 2 * l.gradient_block) {
                    __m512i both = alternating(values(a ? a + f : a, filters - f),
                                               values(b ? b + f : b, filters - f));
                    _mm256_store_si256((__m256i *)out, _mm512_castsi512_si256(both));
                    if (f + FILTERS < filters)
                        _mm256_store_si256((__m256i *)(out + l.gradient_block),
                                           _mm512_extracti64x4_epi64(both, 1));
                    if (bias)
                        _mm512_store_ps(bias + f, _mm512_dpbf16_ps(_mm512_load_ps(bias + f),
                                                                   (__m512bh)both, ones));
                }
            }
        }
}

/* Lays out `count` pixels of a row, `step` apart from `first` on, each with the one a
 * stride further; `channels` are there of `blocks` blocks. */
INLINE void lay_row(const Geometry *g, const uint16_t *row, const uint16_t *end, long first,
                    long step, long count, long channels, long blocks, long block,
                    char *to) {
    for (long i = 0; i < count; i++, to += LINE) {
        const long q = first + i * step, next = q + g->stride;
        const uint16_t *a = row + q * g->channels, *b = row + next * g->channels;
        for (long k = 0; k < blocks; k += 2)
            fetch(a + AHEAD * step * g->channels + k * LANES);
        if (q >= 0 && next < g->width && b < end && channels >= blocks * LANES) {
            for (long k = 0; k < blocks; k++)
                _mm512_store_si512(to + k * block, alternating(values(a + k * LANES, LANES),
                                                               values(b + k * LANES, LANES)));
            continue;
        }
        if (q < 0 || q >= g->width || a >= end) a = NULL;
        if (next < 0 || next >= g->width || b >= end) b = NULL;
        for (long k = 0; k < blocks; k++) {
            const long there = channels - k * LANES;
            _mm512_store_si512(to + k * block, alternating(values(a ? a + k * LANES : a, there),
                                                           values(b ? b + k * LANES : b, there)));
        }
    }
}

static void lay_pixels(const Geometry *g, const uint16_t *x, Part part, long first_block,
                       long blocks, char *to) {
    const Layout l = layout(g, part);
    const long stride = g->stride, channels = g->channels - first_block * LANES;
    const uint16_t *end = x + g->pixels * g->channels;
    for (long n = part.n0; n < part.n1; n++)
        for (long r = 0; r < l.rows; r++, to += l.row * LINE) {
            const long h = part.r0 * stride - g->top + r;
            if (h < 0 || h >= g->height || r % stride >= g->kernel_height) continue;
            const uint16_t *row =
                x + (n * g->height + h) * g->width * g->channels + first_block * LANES;
            if (stride == 1) /* columns of the kernel share what is laid out */
                lay_row(g, row, end, -g->left, 1, l.row, channels, blocks, l.pixel_block, to);
            else
                for (long j = 0; j < g->kernel_width; j++)
                    lay_row(g, row, end, j - g->left, 2 * stride, l.pairs, channels, blocks,
                            l.pixel_block, to + j * l.pairs * LINE);
        }
}

INLINE void add_tile(const Tile *t, const int vectors) {
    __m512 sums[VECTORS][FILTERS];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 8
        for (int f = 0; f < FILTERS; f++) sums[v][f] = _mm512_setzero_ps();
    const long step = t->pixel_step;
    for (long n = 0; n < t->images; n++)
        for (long r = 0; r < t->rows; r++) {
            const long at = n * t->pixel_image + r * t->pixel_row;
            const char *a = t->pixels[0] + at, *b = t->pixels[1] + at, *c = t->pixels[2] + at;
            const char *d = t->gradients + n * t->gradient_image + r * t->gradient_row;
            for (long i = 0; i < t->pairs; i++) {
                __m512bh x[VECTORS] = {(__m512bh)_mm512_load_si512(a)};
                if (vectors > 1) x[1] = (__m512bh)_mm512_load_si512(b);
                if (vectors > 2) x[2] = (__m512bh)_mm512_load_si512(c);
#pragma GCC unroll 8
                for (int f = 0; f < FILTERS; f++) {
                    __m512bh dy = (__m512bh)_mm512_set1_epi32(((const int *)d)[f]);
#pragma GCC unroll 3
                    for (int v = 0; v < vectors; v++)
                        sums[v][f] = _mm512_dpbf16_ps(sums[v][f], x[v], dy);
                }
                a += step, b += step, c += step, d += FILTERS * 4;
            }
        }
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 8
        for (int f = 0; f < FILTERS; f++)
            if (f < t->filters) {
                float *to = t->sums[v] + f * t->next_filter;
                __m512 before = _mm512_maskz_loadu_ps(t->lanes[v], to);
                _mm512_mask_storeu_ps(to, t->lanes[v], _mm512_add_ps(before, sums[v][f]));
            }
}

static void add_1(const Tile *t) { add_tile(t, 1); }
static void add_2(const Tile *t) { add_tile(t, 2); }
static void add_3(const Tile *t) { add_tile(t, 3); }

/* Adds the products of a part, `blocks` blocks of channels from `first_block` on. */
static void add_part(const Geometry *g, Part part, long first_block, long blocks,
                     const char *pixels, const char *gradients, float *dw) {
    const Layout l = layout(g, part);
    const long stride = g->stride, columns = g->kernel_width, rows = part.r1 - part.r0;
    const long vectors = blocks * columns, column = stride == 1 ? 1 : l.pairs;
    Tile t = {.pixel_step = (stride == 1 ? 2 : 1) * LINE,
              .pixel_row = stride * l.row * LINE,
              .pixel_image = l.rows * l.row * LINE,
              .gradient_row = l.pairs * FILTERS * 4,
              .gradient_image = rows * l.pairs * FILTERS * 4,
              .images = part.n1 - part.n0,
              .pairs = l.pairs,
              .next_filter = g->kernel_height * columns * g->channels};
    for (long i = 0; i < g->kernel_height; i++) {
        long from = part.r0, to = part.r1; /* where this row of the kernel is inside */
        while (from < to && from * stride + i < g->top) from++;
        while (from < to && (to - 1) * stride + i >= g->top + g->height) to--;
        if (from == to) continue;
        t.rows = to - from;
        const long first_row = (from - part.r0) * stride + i;
        for (long f = 0; f < g->filters; f += FILTERS) {
            t.gradients = gradients + f / FILTERS * l.gradient_block +
                          (from - part.r0) * t.gradient_row;
            t.filters = least(FILTERS, g->filters - f);
            for (long v = 0, some; v < vectors; v += some) {
                some = vectors - v == 4 ? 2 : least(vectors - v, VECTORS);
                for (long k = 0; k < VECTORS; k++) {
                    const long at = v + least(k, some - 1);
                    const long j = at % columns, block = at / columns;
                    const long c = (first_block + block) * LANES;
                    t.pixels[k] = pixels + block * l.pixel_block +
                                  (first_row * l.row + j * column) * LINE;
                    t.sums[k] =
                        dw + ((f * g->kernel_height + i) * columns + j) * g->channels + c;
                    t.lanes[k] = (__mmask16)((1u << least(LANES, g->channels - c)) - 1);
                }
                (some == 1 ? add_1 : some == 2 ? add_2 : add_3)(&t);
            }
        }
    }
}

/* Where pixels have no neighbours, rows are as long as suits; the last may end early. */
static void flatten(Geometry *g) {
    if (g->kernel_height != 1 || g->kernel_width != 1 || g->stride != 1) return;
    if (g->top || g->left) return;
    g->batch = parts_of(g->pixels, FLAT);
    g->height = g->out_height = 1;
    g->width = g->out_width = FLAT;
}

static long threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* x (batch, height, width, channels) and dy (batch, out_height, out_width, filters),
 * bfloat16; dw (filters, kernel_height, kernel_width, channels), float, is overwritten;
 * with `has_bias` the sums of dy (filters) follow it. `numbers` are those of Geometry up
 * to `has_bias`. Returns 1 where memory ran out, else 0. */
int weight_gradient(const uint16_t *x, const uint16_t *dy, float *dw, const long *numbers) {
    Geometry g = {0};
    memcpy(&g, numbers, 13 * sizeof(long));
    g.pixels = g.batch * g.height * g.width;
    g.out_pixels = g.batch * g.out_height * g.out_width;
    flatten(&g);
    const long weights = g.filters * g.kernel_height * g.kernel_width * g.channels;
    const long size = weights + (g.has_bias ? g.filters : 0);
    const long blocks = parts_of(g.channels, LANES), group = least(GROUP, blocks);

    /* Each of `teams` has sums of its own, for its images; its threads share channels. */
    const long sum_bytes = size * sizeof(float), small = sum_bytes <= OWN_SUMS;
    const long teams = small ? threads() : parts_of(threads(), parts_of(blocks, GROUP));
    const long members = parts_of(threads(), teams);

    /* As much a part as fits; large sums are dear to add to, so fewer parts then. */
    const Layout row = layout(&g, (Part){0, 1, 0, 1});
    const long room = least(most(GRADIENTS, sum_bytes / 4) /
                                (row.pairs * 4 * parts_of(g.filters, FILTERS) * FILTERS),
                            PIXELS / (row.row * LINE * g.stride * group));
    const long slices = parts_of(g.out_height, most(1, room));
    const long rows = parts_of(g.out_height, slices);
    const long images = slices > 1 ? 1 : most(1, least(room / rows, parts_of(g.batch, teams)));
    const long parts = parts_of(g.batch, images) * slices;
    const Layout largest = layout(&g, (Part){0, images, 0, rows});
    const long pixel_bytes = group * largest.pixel_block;
    const long gradient_bytes = parts_of(g.filters, FILTERS) * largest.gradient_block;
    const long bias_bytes = parts_of(g.filters, LANES) * LANES * sizeof(float);

    float *others = calloc(most(1, (teams - 1) * size), sizeof(float));
    int failed = !others;
    memset(dw, 0, size * sizeof(float));
    if (!failed) {
#pragma omp parallel for schedule(static) reduction(| : failed)
        for (long worker = 0; worker < teams * members; worker++) {
            const long team = worker / members, member = worker % members;
            const long first = member * blocks / members, end = (member + 1) * blocks / members;
            float *sums = team ? others + (team - 1) * size : dw;
            char *pixels = aligned_alloc(LINE, pixel_bytes + gradient_bytes + bias_bytes);
            char *gradients = pixels + pixel_bytes;
            float *bias = g.has_bias && !member ? (float *)(gradients + gradient_bytes) : NULL;
            failed |= !pixels;
            for (long p = team * parts / teams; pixels && p < (team + 1) * parts / teams; p++) {
                const long n = p / slices * images, r = p % slices * rows;
                const Part part = {n, least(n + images, g.batch), r,
                                   least(r + rows, g.out_height)};
                if (part.r0 >= part.r1 || first == end) continue;
                if (bias) memset(bias, 0, bias_bytes);
                lay_gradients(&g, dy, part, gradients, bias);
                for (long f = 0; bias && f < g.filters; f++) sums[weights + f] += bias[f];
                for (long block = first; block < end; block += GROUP) {
                    const long some = least(GROUP, end - block);
                    lay_pixels(&g, x, part, block, some, pixels);
                    add_part(&g, part, block, some, pixels, gradients, sums);
                }
            }
            free(pixels);
        }
    }
    if (!failed) {
#pragma omp parallel for schedule(static)
        for (long i = 0; i < size; i++)
            for (long team = 1; team < teams; team++) dw[i] += others[(team - 1) * size + i];
    }
    free(others);
    return failed;
}

#else /* oneDNN is as good where pairs are not multiplied, and better where there is AMX */

int weight_gradient(const void *x, const void *dy, float *dw, const long *numbers) {
    (void)x, (void)dy, (void)dw, (void)numbers;
    return 2;
}

#endif
