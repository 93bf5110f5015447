const ADDRESS =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$/;

/** Whether it is one address: no list, no name, nothing that could end a header line; punycode domains pass. */
export function isAddress(text: string): boolean {
  return text.length <= 254 && ADDRESS.test(text);
}
