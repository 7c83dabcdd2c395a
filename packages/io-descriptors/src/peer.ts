import { EkibenError } from '@ekiben/spec';

/**
 * An optional peer of this package, which whoever imports the subpath that needs it has to install.
 * @throws EKIBEN_DESCRIPTOR_PEER_MISSING with what installs it
 */
export async function importPeer<T>(load: () => Promise<T>, packages: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new EkibenError(
      'EKIBEN_DESCRIPTOR_PEER_MISSING',
      `This needs a package that is not installed: npm i ${packages}`,
      {
        cause,
      },
    );
  }
}
