// What a build knows before it plans: collected by build.ts, never asked for again.
import type { Bentofile } from './bentofile.ts';
import type { Bundle } from './bundle.ts';
import type { IncludedFile } from './included.ts';
import type { Lockfile } from './lockfile.ts';
import type { Platform } from './native.ts';
import type { PackageFile, PlacedPackage } from './outside.ts';

export interface Facts {
  readonly bentofile: Bentofile;
  readonly service: ServiceFacts;
  readonly models: readonly ModelFacts[];
  /** What the service calls its models → `name:version`. */
  readonly pinnedTags: Readonly<Record<string, string>>;
  readonly included: readonly IncludedFile[];
  readonly bundle: Bundle;
  /** Packages beside the bundle. */
  readonly outside: readonly OutsidePackage[];
  /** All packages outside with all that their package.json asks for, for the lock file. */
  readonly locked: readonly PlacedPackage[];
  /** Packages of the user's own repository that stay outside, as npm packs them. */
  readonly tarballs: readonly Tarball[];
  readonly lockfile: Lockfile;
  readonly platform: Platform;
  /** Major version of Node. */
  readonly node: string;
  /** Of the package that builds. */
  readonly builderVersion: string;
}

export interface ServiceFacts {
  readonly name: string;
  /** As the bento calls it: `src/service.ts:svc`. */
  readonly target: string;
  readonly exportName: string;
  readonly apis: readonly {
    readonly name: string;
    readonly method: string;
    readonly path: string;
    readonly input: string;
    readonly output: string;
  }[];
  readonly runners: readonly {
    readonly name: string;
    readonly models: readonly string[];
    readonly placement: string;
  }[];
  readonly openapi: object;
}

export interface ModelFacts {
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  readonly module: string;
  readonly creationTime: string;
  /** Of the libraries that saved it, such as `{ xgboost: '1.6.2' }`. */
  readonly frameworkVersions: Readonly<Record<string, string>>;
  readonly files: readonly PackageFile[];
}

export interface OutsidePackage {
  readonly placed: PlacedPackage;
  readonly files: readonly PackageFile[];
}

export interface Tarball {
  readonly name: string;
  readonly version: string;
  /** In `env/node`: `packages/name-1.0.0.tgz`. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly integrity: string;
}
