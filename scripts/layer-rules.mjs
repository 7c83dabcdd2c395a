// The rules of dependency-cruiser, made from the layer number that each package's package.json gives as `ekiben.layer`.

/**
 * @param {import('./workspace.mjs').Package[]} packages
 * @returns {object} a configuration of dependency-cruiser
 */
export function layerRules(packages) {
  const layered = packages.filter(({ manifest }) => typeof manifest.ekiben?.layer === 'number');
  const layer = ({ manifest }) => manifest.ekiben.layer;

  const layers = layered.map((each) => ({
    name: `layer-of-${each.name}`,
    comment: `${each.name} is of layer ${layer(each)}: it imports from lower layers only`,
    severity: 'error',
    from: { path: `^${each.path}/src/` },
    to: {
      path: layered.filter((other) => other !== each && layer(other) >= layer(each)).map(({ path }) => `^${path}/`),
    },
  }));

  const insides = layered.map(({ name, path }) => ({
    name: `inside-of-${name}`,
    comment: `${name} is imported by its name, and what its "exports" do not name is its own`,
    severity: 'error',
    from: { path: '^(packages|apps|benchmarks)/', pathNot: `^${path}/` },
    to: { path: `^${path}/(src|test)/` },
  }));

  return {
    forbidden: [
      ...layers.filter(({ to }) => to.path.length > 0),
      ...insides,
      {
        name: 'no-cycle',
        comment: 'A file may name the type of one that imports it: that is no cycle when the program runs',
        severity: 'error',
        from: {},
        to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
      },
      {
        name: 'resolvable',
        comment: 'Not installed, not declared, not built, or hidden by the "exports" of its package',
        severity: 'error',
        from: {},
        to: { couldNotResolve: true },
      },
      {
        name: 'declared',
        comment: 'What src imports is a dependency or a peer of its package, not only of its tests',
        severity: 'error',
        from: { path: '^packages/.*/src/' },
        to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
      },
    ],
    options: {
      // Type-only imports count (with TypeScript 6 beside dependency-cruiser, see pnpm-workspace.yaml).
      tsPreCompilationDeps: true,
      doNotFollow: { path: ['node_modules', '/dist/'] },
      exclude: { path: '/test/fixtures/' },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['types', 'import', 'node', 'default'],
        extensions: ['.ts', '.mjs', '.js', '.d.ts'],
      },
    },
  };
}
