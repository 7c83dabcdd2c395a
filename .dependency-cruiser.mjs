// The design's layers; test/layers.test.mjs shows that the rules catch what they should.
import { layerRules } from './scripts/layer-rules.mjs';
import { workspacePackages } from './scripts/workspace.mjs';

export default layerRules(workspacePackages());
