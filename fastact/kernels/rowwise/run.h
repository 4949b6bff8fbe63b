/* Many rows: short ones transposed, a few at a time, or one by one; in columns across lanes. */
#ifndef FASTACT_ROWWISE_RUN_H
#define FASTACT_ROWWISE_RUN_H

#include "lanes.h"

/* The masks of WIDTH rows of n elements, side by side. */
SHARED void gather_masks(char *bytes, const char *where, ptrdiff_t row, ptrdiff_t step, ptrdiff_t n)
{
    if (step == 1 && row == n)
        memcpy(bytes, where, (size_t)(WIDTH * n));
    else
        for (int i = 0; i < WIDTH; i++, where += row)
            for (ptrdiff_t j = 0; j < n; j++)
                *bytes++ = where[j * step];
}
/* WIDTH masked rows, from row `row` on: -inf in the place of what is masked out. */
INLINE void load_transposed_masked(rows_task t, const masking *s, ptrdiff_t row, const char *x, ptrdiff_t x_step,
                                   ptrdiff_t n, transposed *block)
{
    char bytes[WIDTH * (TRANSPOSED_ROW + 1)];
    int by_element = s->args.where && s->args.mask_step;
    vec none = splat(-(real)INFINITY);
    if (by_element)
        gather_masks(bytes, (const char *)s->args.where + row * s->args.mask_row, s->args.mask_row, s->args.mask_step,
                     n);
    memset(bytes + WIDTH * n, 0, WIDTH);
    for (ptrdiff_t j = 0; j < n; j += WIDTH) {
        vec m[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            const char *where;
            m[i] = load_part(x + i * x_step + j * ITEM, lanes(unmasked_length(t, s, row + i, n, &where) - j), none);
            if (by_element)
                m[i] = choose(zero_bytes(bytes + i * n + j), none, m[i]);
        }
        transpose(m);
        for (int i = 0; i < WIDTH; i++)
            block->column[j + i] = m[i];
    }
}
/* WIDTH results of masked rows, from row `row` on, with a value in the place of what is masked out. */
SHARED void replace_masked_rows(const masking *s, ptrdiff_t row, char *out, ptrdiff_t out_step, ptrdiff_t n, real value)
{
    const rows_task t = {.masked = 1};
    for (ptrdiff_t end = row + WIDTH; row < end; row++, out += out_step) {
        const char *where;
        ptrdiff_t m = unmasked_length(t, s, row, n, &where), j = 0;
        for (; where && j < m; j++)
            if (!where[j * s->args.mask_step])
                put_real(out + j * ITEM, value);
        fill_row(out + m * ITEM, n - m, value);
    }
}
INLINE int has_nan(const transposed *block, ptrdiff_t n)
{
    vec found = splat(0);
    for (ptrdiff_t j = 0; j < n; j++)
        found = choose(equal(block->column[j], block->column[j]), found, splat(1));
    return any(less(splat(0), found));
}

/* One number a row, for SOFTMAX_TIMES only. */
INLINE vec weight_of(rows_task t, const char *weight, ptrdiff_t step, ptrdiff_t rows)
{
    real weights[WIDTH];
    if (t.logarithm || !t.single)
        return splat(1);
    for (ptrdiff_t i = 0; i < WIDTH; i++)
        memcpy(&weights[i], weight + (i < rows ? i : rows - 1) * step, ITEM);
    return load((const char *)weights);
}
/* Rows that are computed together, so that the chains of their folds overlap; longer ones gain nothing. */
#define ROWS_TOGETHER 4
#define LONGEST_TOGETHER (32 * ACCUMULATORS)
#define FORWARD_PARAMETERS \
    const char *weight, ptrdiff_t weight_step, const char *x, ptrdiff_t x_step, char *out, ptrdiff_t out_step, \
        ptrdiff_t rows, ptrdiff_t n
#define FORWARD_ARGUMENTS weight, weight_step, x, x_step, out, out_step, rows, n

/* A row, all but its weight; fills what lies past its valid length, and returns whether there is more to do. */
INLINE int begin_row(rows_task t, const masking *s, const char *x, char *out, ptrdiff_t row, ptrdiff_t n,
                     softmax_row *next)
{
    int single = t.logarithm && t.single;
    next->x = x, next->out = out, next->n = unmasked_length(t, s, row, n, &next->where);
    if (single && !next->n)
        fill_row(out, 1, -(real)INFINITY);
    if (!single && next->n < n)
        fill_row(out + next->n * ITEM, n - next->n, t.logarithm ? -(real)INFINITY : 0);
    return next->n != 0;
}
/* Rows in memory, from one on. */
typedef void rows_in_memory(const masking *s, ptrdiff_t row, FORWARD_PARAMETERS);
INLINE void forward_in_memory(rows_task t, const masking *s, ptrdiff_t row, FORWARD_PARAMETERS)
{
    softmax_row some[ROWS_TOGETHER];
    int most = n <= LONGEST_TOGETHER ? ROWS_TOGETHER : 1;
    while (row < rows) {
        int count = 0;
        for (; count < most && row < rows; row++) {
            some[count].weight = weight_of(t, weight + row * weight_step, 0, 1);
            count += begin_row(t, s, x + row * x_step, out + row * out_step, row, n, &some[count]);
        }
        forward_rows(t, s, some, count);
    }
}
INLINE void forward_slices(rows_task t, const masking *s, ptrdiff_t row, FORWARD_PARAMETERS)
{
    softmax_row next;
    for (; row < rows; row++) {
        next.weight = weight_of(t, weight + row * weight_step, 0, 1);
        if (begin_row(t, s, x + row * x_step, out + row * out_step, row, n, &next))
            forward_slice(t, s, &next);
    }
}
/* Short rows, WIDTH at a time; returns how many. */
typedef ptrdiff_t rows_transposed(const masking *s, FORWARD_PARAMETERS);
INLINE ptrdiff_t forward_transposed(rows_task t, forward_short *compute, const masking *s, FORWARD_PARAMETERS)
{
    ptrdiff_t row = 0;
    for (; rows - row >= WIDTH; row += WIDTH) {
        transposed block;
        char *columns = (char *)&block;
        if (t.masked)
            load_transposed_masked(t, s, row, x + row * x_step, x_step, n, &block);
        else
            load_transposed(x + row * x_step, x_step, n, &block);
        compute(s, weight_of(t, weight + row * weight_step, weight_step, WIDTH), &block, n);
        if (!(t.logarithm && t.single)) {
            store_transposed(&block, out + row * out_step, out_step, n);
            /* 0 times the number, or with a NaN */
            if (t.masked && (t.single || has_nan(&block, n)))
                replace_masked_rows(s, row, out + row * out_step, out_step, n, t.logarithm ? -(real)INFINITY : 0);
        } else
            for (int i = 0; i < WIDTH; i++)
                memcpy(out + (row + i) * out_step, columns + i * ITEM, ITEM);
    }
    return row;
}
/* Functions of their own, so that the stack holds the arrays of one of them at a time; `slices` is NULL for tasks of
 * which few are short. */
INLINE void forward_run(rows_task t, rows_transposed *transposed, rows_in_memory *slices, rows_in_memory *in_memory,
                        const struct mask_args *mask_args, FORWARD_PARAMETERS)
{
    masking s;
    if (t.masked)
        s = masking_of(mask_args);
    ptrdiff_t row = n <= TRANSPOSED_ROW ? transposed(&s, FORWARD_ARGUMENTS) : 0;
    if (row < rows)
        (slices && n <= ACCUMULATORS ? slices : in_memory)(&s, row, FORWARD_ARGUMENTS);
}
/* How many groups are computed together, from column i on. */
INLINE int groups_from(ptrdiff_t i, ptrdiff_t columns, ptrdiff_t n)
{
    ptrdiff_t most = n > PART_OF_ROW ? 1 : GROUPS, left = (columns - i) / WIDTH;
    return left == 0 ? 1 : (int)(left < most ? left : most);
}
#define EACH_BLOCK(j, end, n) \
    for (ptrdiff_t j = 0, end; end = (n)-j < TRANSPOSED_ROW ? (n) : j + TRANSPOSED_ROW, j < (n); j = end)
/* Columns from one on, what is the same of all tasks; blocks of rows longer than one are copied again for each pass. */
INLINE int begin_columns(rows_task t, const masking *s, ptrdiff_t i, ptrdiff_t columns, ptrdiff_t n, lane_rows *rows,
                         pair *parts, lane_group *g, side_by_side *c)
{
    int groups = groups_from(i, columns, n);
    ptrdiff_t some = columns - i < WIDTH ? columns - i : WIDTH;
    *c = (side_by_side){t.masked ? s : NULL, rows, n, some, groups};
    EACH_GROUP(k)
    {
        g[k].n = n, g[k].a.parts = parts;
        if (t.masked)
            rows[k] = lane_rows_of(s, i + k * WIDTH, n, some);
    }
    return groups;
}
INLINE void forward_columns_run(rows_task t, forward_short *compute, forward_pass *pass,
                                const struct mask_args *mask_args, const char *weight, const char *x, ptrdiff_t x_step,
                                char *out, ptrdiff_t out_step, ptrdiff_t columns, ptrdiff_t n)
{
    masking s;
    lane_rows rows[GROUPS];
    pair parts[ACCUMULATORS];
    transposed blocks[GROUPS];
    lane_group g[GROUPS];
    side_by_side c;
    const real none = -(real)INFINITY;
    int single = t.logarithm && t.single;
    if (t.masked)
        s = masking_of(mask_args);
    for (ptrdiff_t i = 0; i < columns; i += c.groups * c.columns) {
        int groups = begin_columns(t, &s, i, columns, n, rows, parts, g, &c);
        const char *from = x + i * ITEM;
        char *to = out + i * ITEM;
        EACH_GROUP(k)
        g[k].weight = weight_of(t, weight + (i + k * WIDTH) * ITEM, ITEM, c.columns);
        EACH_BLOCK(j, end, n)
        {
            copy_from_columns(&c, j, end, from, x_step, blocks, none);
            EACH_GROUP(k)
            if (n <= TRANSPOSED_ROW)
                compute(&s, g[k].weight, &blocks[k], n);
            else
                pass(&s, &g[k], &blocks[k], EXTREMES, j, end);
        }
        for (int p = EXPONENTIALS; n > TRANSPOSED_ROW && p <= RESULTS && !(single && p == RESULTS); p++)
            EACH_BLOCK(j, end, n)
            {
                int again = p == EXPONENTIALS || t.logarithm;
                copy_from_columns(&c, j, end, again ? from : to, again ? x_step : out_step, blocks, none);
                EACH_GROUP(k)
                pass(&s, &g[k], &blocks[k], p, j, end);
                if (p == RESULTS || !t.logarithm)
                    copy_to_columns(&c, j, end, to, out_step, blocks, t.logarithm ? none : 0);
            }
        if (single) {
            EACH_GROUP(k)
            if (n > TRANSPOSED_ROW)
                pass(&s, &g[k], &blocks[k], RESULTS, 0, 1);
            c.mask = NULL; /* of one number none is masked */
        }
        if (single || n <= TRANSPOSED_ROW)
            copy_to_columns(&c, 0, single ? 1 : n, to, out_step, blocks, t.logarithm ? none : 0);
    }
}

/* Several rows at once, so that the chains of their folds overlap.  Those of one slice stay in registers, and no load
 * follows close behind a partial store near it. */
#define SHORT_ROWS 4
INLINE void backward_short_rows(rows_task t, const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    slice g[SHORT_ROWS], v[SHORT_ROWS];
    gradient_sums sums[SHORT_ROWS];
    for (int r = 0; r < SHORT_ROWS; r++) {
        g[r] = load_last(grad + r * grad_step, n, splat(0));
        v[r] = load_last(y + r * y_step, n, splat(0)); /* e^-inf would be slow */
        EACH_VECTOR(i)
            sums[r].sum[i] = (pair){splat(0), splat(0)}, sums[r].count[i] = splat(0);
        add_terms(t, &sums[r], g[r], v[r]);
    }
    for (int r = 0; r < SHORT_ROWS; r++)
        backward_vectors(t, NULL, g[r].v, v[r].v, VECTORS, gradient_total(t, &sums[r]));
    for (int r = 0; r < SHORT_ROWS; r++)
        store_last(out + r * out_step, v[r], n);
}
INLINE void backward_rows_at_once(rows_task t, const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                  char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    gradient_sums sums[SHORT_ROWS];
    gradient_parts before; /* none: these rows are short */
    vec totals[SHORT_ROWS];
    for (int r = 0; r < SHORT_ROWS; r++)
        sums[r] = sums_of_row(t, NULL, grad + r * grad_step, y + r * y_step, NULL, n, &before);
    for (int r = 0; r < SHORT_ROWS; r++)
        totals[r] = gradient_total(t, &sums[r]);
    for (int r = 0; r < SHORT_ROWS; r++)
        backward_row(t, NULL, grad + r * grad_step, y + r * y_step, NULL, out + r * out_step, n, totals[r]);
}

/* Rows are not transposed here: a sum and its fold cost less than transposing two operands there and one back. */
INLINE void backward_run(rows_task t, const struct mask_args *mask_args, const char *grad, ptrdiff_t grad_step,
                         const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    masking s;
    ptrdiff_t row = 0;
    if (t.masked)
        s = masking_of(mask_args);
#define PLACES grad + row *grad_step, grad_step, y + row *y_step, y_step, out + row *out_step, out_step, n
    for (; !t.masked && n <= ACCUMULATORS && rows - row >= SHORT_ROWS; row += SHORT_ROWS)
        backward_short_rows(t, PLACES);
    for (; !t.masked && (t.logarithm || t.sparse) && n <= LONGEST_TOGETHER && rows - row >= SHORT_ROWS;
         row += SHORT_ROWS)
        backward_rows_at_once(t, PLACES);
#undef PLACES
    for (; row < rows; row++) {
        const char *from = grad + row * grad_step, *of = y + row * y_step;
        const char *where;
        char *to = out + row * out_step;
        ptrdiff_t m = unmasked_length(t, &s, row, n, &where);
        if (m)
            backward_row(t, &s, from, of, where, to, m, total_of_row(t, &s, from, of, where, m));
        if (m < n)
            fill_row(to + m * ITEM, n - m, 0);
    }
}
INLINE void backward_columns_run(rows_task t, backward_pass *pass, const struct mask_args *mask_args, const char *grad,
                                 ptrdiff_t grad_step, const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step,
                                 ptrdiff_t columns, ptrdiff_t n)
{
    masking s;
    lane_rows rows[GROUPS];
    pair parts[ACCUMULATORS];
    transposed grads[GROUPS], blocks[GROUPS];
    lane_group g[GROUPS];
    side_by_side c;
    if (t.masked)
        s = masking_of(mask_args);
    for (ptrdiff_t i = 0; i < columns; i += c.groups * c.columns) {
        int groups = begin_columns(t, &s, i, columns, n, rows, parts, g, &c);
        for (int last = 0; last < 2; last++)
            EACH_BLOCK(j, end, n)
            {
                if (!last || n > TRANSPOSED_ROW) {
                    copy_from_columns(&c, j, end, grad + i * ITEM, grad_step, grads, 0);
                    if (last || !t.logarithm || n <= TRANSPOSED_ROW)
                        copy_from_columns(&c, j, end, y + i * ITEM, y_step, blocks, MASKED_OUTPUT(t));
                }
                EACH_GROUP(k)
                pass(&s, &g[k], &grads[k], &blocks[k], last, j, end);
                if (last)
                    copy_to_columns(&c, j, end, out + i * ITEM, out_step, blocks, 0);
            }
    }
}

#endif
