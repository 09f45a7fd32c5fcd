/** All have ended when this resolves or rejects, with the first failure in their order. */
export async function allOrNone<Results extends readonly unknown[]>(works: { readonly [At in keyof Results]: Promise<Results[At]> }): Promise<Results> {
  const settled = await Promise.allSettled(works)
  const failed = settled.find(each => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return settled.map(each => (each as PromiseFulfilledResult<unknown>).value) as unknown as Results
}
