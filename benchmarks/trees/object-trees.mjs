// The baseline: what one writes first. A tree is an object with two children, a row an array, and a recursive function goes down.

/** The trees of an XGBoost model document. */
export function objectTrees(document) {
  return document.learner.gradient_booster.model.trees.map((tree) => nodeOf(tree, 0));
}

function nodeOf(tree, index) {
  if (tree.left_children[index] === -1) return { leaf: tree.split_conditions[index] };
  return {
    feature: tree.split_indices[index],
    threshold: tree.split_conditions[index],
    defaultLeft: tree.default_left[index] === 1,
    left: nodeOf(tree, tree.left_children[index]),
    right: nodeOf(tree, tree.right_children[index]),
  };
}

export function predict(trees, baseMargin, rows) {
  return rows.map((row) => {
    let sum = baseMargin;
    for (const tree of trees) sum = Math.fround(sum + leafOf(tree, row));
    return Math.fround(1 / (1 + Math.exp(-sum)));
  });
}

function leafOf(node, row) {
  if (node.leaf !== undefined) return node.leaf;
  const value = row[node.feature];
  const goesLeft = Number.isNaN(value) ? node.defaultLeft : value < node.threshold;
  return leafOf(goesLeft ? node.left : node.right, row);
}
