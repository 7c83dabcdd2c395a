// What stays outside the bundle as a project of npm's, which every image of Node has: exact versions, and a lock file of version 3
// (https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json) that describes `node_modules` as the bento has it.
import type { Facts } from './facts.ts';
import type { PlacedPackage } from './outside.ts';

export function npmManifest(name: string, { bundle, tarballs, node }: Facts): object {
  const dependencies = bundle.outside.map(({ manifest }) => {
    const tarball = tarballs.find((each) => each.name === manifest.name);
    return [manifest.name, tarball === undefined ? manifest.version : `file:${tarball.path}`];
  });
  return {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: `>=${node}` },
    dependencies: Object.fromEntries(dependencies),
  };
}

export function npmLockfile(name: string, facts: Facts): object {
  const { type: _type, private: _private, ...root } = npmManifest(name, facts) as Readonly<Record<string, unknown>>;
  return {
    name,
    version: '0.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': root, ...Object.fromEntries(facts.locked.map((placed) => [placed.path, entry(placed, facts)])) },
  };
}

function entry({ manifest, optional }: PlacedPackage, { lockfile, tarballs }: Facts): object {
  const { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, os, cpu, libc } =
    manifest;
  const tarball = tarballs.find((each) => each.name === name && each.version === version);
  const integrity = tarball?.integrity ?? lockfile.packages.get(`${name}@${version}`)?.integrity;
  return {
    version,
    ...(tarball !== undefined && { resolved: `file:${tarball.path}` }),
    ...(integrity !== undefined && { integrity }),
    ...(optional && { optional }),
    ...(dependencies !== undefined && { dependencies: withoutWorkspaces(dependencies) }),
    ...(optionalDependencies !== undefined && { optionalDependencies }),
    ...(peerDependencies !== undefined && { peerDependencies }),
    ...(peerDependenciesMeta !== undefined && { peerDependenciesMeta }),
    ...(os !== undefined && { os }),
    ...(cpu !== undefined && { cpu }),
    ...(libc !== undefined && { libc }),
  };
}

/** pnpm's and yarn's `workspace:^` as it is published. */
export function withoutWorkspaces(
  dependencies: Readonly<Record<string, string>>,
  versionOf: (name: string) => string | undefined = () => undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => {
      if (!range.startsWith('workspace:')) return [name, range];
      const rest = range.slice('workspace:'.length);
      return [name, /^[\^~*]?$/.test(rest) ? `${rest.replace('*', '')}${versionOf(name) ?? ''}` || '*' : rest];
    }),
  );
}
