/* From C: a hidden layer's activation in place, and its gradient. In a program that embeds no Python, `fa` is what
 * fastact.get_c_api() gave; an extension module calls fa_import(). */
#include <fastact.h>

/* 0, or what went wrong. */
const char *layer(const fa_api *fa, float *hidden, float *grad, ptrdiff_t n, double alpha)
{
    const fa_function *elu = fa->find("elu", FA_FORWARD, FA_FLOAT32);
    const fa_function *backward = fa->find("elu", FA_BACKWARD_Y, FA_FLOAT32);
    void *forward_operands[] = {hidden, hidden};      /* x, out: in place */
    void *backward_operands[] = {grad, hidden, grad}; /* grad, y, out */
    int status = fa->run(elu, &alpha, 1, n, forward_operands, NULL, NULL);
    if (!status)
        status = fa->run(backward, &alpha, 1, n, backward_operands, NULL, NULL);
    return status ? fa->explain(status) : NULL;
}
