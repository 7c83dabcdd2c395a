// What does not stop a build, and which the user should know of.
import type { Facts } from './facts.ts';
import { formatPlatform, hostPlatform } from './native.ts';
import type { Package } from './package-root.ts';

export function warningsOf(facts: Facts): string[] {
  const { bentofile, lockfile, outside, platform, included, service } = facts;
  const warnings = [...bentofile.notes, ...newerModels(facts)];
  if (lockfile.path === undefined) {
    warnings.push(`No lock file was found in the project or above it: the packages are taken as they are installed.`);
  }
  const unchecked = outside.map(({ placed }) => placed).filter((each) => !hasIntegrity(each, facts));
  if (lockfile.path !== undefined && unchecked.length > 0) {
    const names = unchecked.map(({ manifest }) => manifest.name);
    const some = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`;
    warnings.push(
      `The lock file has no integrity of npm's for ${some}: env/node/install.sh takes these by version alone. (Checksums of Yarn 2 and newer are of archives that it packs itself.)`,
    );
  }
  const unused = bentofile.node.packages.filter((name) => outside.every(({ placed }) => placed.manifest.name !== name));
  for (const name of unused) warnings.push(`node.packages: ${name} is not imported by the service.`);
  if (formatPlatform(platform) !== formatPlatform(hostPlatform()) && outside.length > 0) {
    warnings.push(
      `The packages are those of ${formatPlatform(platform)}: this machine may not be able to serve the bento.`,
    );
  }
  if (included.length === 0)
    warnings.push(`No file fits 'include' (${bentofile.include.join(', ')}): src has the bundle only.`);
  if (service.apis.length === 0) warnings.push(`${service.name} has no APIs.`);
  return warnings;
}

function hasIntegrity({ manifest: { name, version } }: Package, { lockfile, tarballs }: Facts): boolean {
  const isPacked = tarballs.some((each) => each.name === name && each.version === version);
  return isPacked || lockfile.packages.get(`${name}@${version}`)?.integrity !== undefined;
}

/** Models that were saved by a newer library than their adapter was tested with. BentoML warns when the two differ at all. */
function newerModels({ models, bundle }: Facts): string[] {
  const packages = [...bundle.inside, ...bundle.outside];
  return models.flatMap(({ tag, frameworkVersions }) =>
    Object.entries(frameworkVersions).flatMap(([library, version]) => {
      const adapter = packages.find(({ manifest }) => manifest.ekiben?.reads?.[library] !== undefined);
      const tested = adapter === undefined ? undefined : testedVersion(adapter, library, packages);
      if (adapter === undefined || tested === undefined || !isNewer(version, tested)) return [];
      return [
        `${tag} was saved with ${library} ${version}, which is newer than ${tested}, with which ${adapter.manifest.name} was tested: compare what it answers with Python before you rely on it.`,
      ];
    }),
  );
}

function testedVersion({ manifest }: Package, library: string, packages: readonly Package[]): string | undefined {
  const said = manifest.ekiben?.reads?.[library];
  if (said === undefined || /^\d/.test(said)) return said;
  return packages.find((each) => each.manifest.name === said)?.manifest.version;
}

/** By major and minor version. */
function isNewer(version: string, tested: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [testedMajor = 0, testedMinor = 0] = tested.split('.').map(Number);
  return major > testedMajor || (major === testedMajor && minor > testedMinor);
}
