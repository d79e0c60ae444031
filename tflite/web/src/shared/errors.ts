/** Bad input, told in one line; shown to the user as it is. */
export class InputError extends Error {}
