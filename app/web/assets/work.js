// A form under attack asks the visitor's computer for a little work, which costs one person a second and a machine that
// sends thousands of forms hours: a number n for which SHA-256 of "token:n" begins with `bits` zero bits.
const BATCH = 512;

function zeros(digest) {
  const view = new DataView(digest);
  return view.getUint32(0) ? Math.clz32(view.getUint32(0)) : 32 + Math.clz32(view.getUint32(4));
}

export async function solve(token, bits) {
  const encoder = new TextEncoder();
  for (let first = 0; ; first += BATCH) {
    const digests = await Promise.all(
      Array.from({ length: BATCH }, (_, i) => crypto.subtle.digest("SHA-256", encoder.encode(`${token}:${first + i}`))),
    );
    const found = digests.findIndex((digest) => zeros(digest) >= bits);
    if (found >= 0) return String(first + found);
  }
}
