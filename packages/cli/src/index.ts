// The umbrella: everything a service needs at run time, one import. The command's own parts (commander, esbuild) are not in it.
export * from '@ekiben/io-descriptors';
export * from '@ekiben/runners';
export * from '@ekiben/server';
export * from '@ekiben/service';
export * from '@ekiben/sklearn';
export * from '@ekiben/spec';
export * from '@ekiben/store';
export * from '@ekiben/tensor';
export * from '@ekiben/xgboost';
