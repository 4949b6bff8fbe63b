/* The list of the plain loops of plain.c. */
PLAIN(relu)
PLAIN(exponential)
PLAIN(sigmoid)
PLAIN(tanh)
PLAIN(silu)
PLAIN(elu)
PLAIN(softmax)
