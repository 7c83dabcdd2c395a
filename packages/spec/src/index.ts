export * from './custom-object.ts';
export * from './error.ts';
export * from './framework.ts';
export * from './tensor.ts';
