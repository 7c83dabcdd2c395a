/** Which scalars are more than text: as PyYAML's `safe_load`, by which BentoML reads its files, has it. No tags of a language. */
import {
  FAILSAFE_SCHEMA,
  NOT_RESOLVED,
  boolYaml11Tag,
  defineScalarTag,
  floatYaml11Tag,
  intYaml11Tag,
  nullYaml11Tag,
} from 'js-yaml';

/** YAML 1.1 also has `y` and `n`; PyYAML leaves them alone, and a runner may be called so. */
const boolTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  ...boolYaml11Tag,
  resolve: (source, isExplicit, tagName) =>
    source.length === 1 ? NOT_RESOLVED : boolYaml11Tag.resolve(source, isExplicit, tagName),
});

export const schema = FAILSAFE_SCHEMA.withTags(nullYaml11Tag, boolTag, intYaml11Tag, floatYaml11Tag);
