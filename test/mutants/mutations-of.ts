import { type Node, parse } from 'acorn';

/** One change of a built module: these octets by others. */
export interface Mutation {
  start: number;
  end: number;
  text: string;
  what: string;
}

/** Characters of a place that tell it from others. */
const SHOWN = 80;

const FEW = 64;

const OPERATORS: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+': '-',
  '-': '+',
  '*': '/',
  '+=': '-=',
  '-=': '+=',
};

/** Beside a bound: that one more is on its other side cannot be said to be wrong. */
const OPPOSITES: Readonly<Record<string, string>> = {
  ...OPERATORS,
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

/** The parts of acorn's nodes that are looked at. */
interface Tree extends Node {
  operator?: string;
  left?: Tree;
  right?: Tree;
  test?: Tree | null;
  argument?: Tree | null;
  expression?: Tree;
  value?: unknown;
  raw?: string;
  prefix?: boolean;
  name?: string;
  id?: Tree | null;
  init?: Tree | null;
  object?: Tree;
  callee?: Tree;
  arguments?: Tree[];
}

/** Everything in the module that could be wrong in one place: operators, conditions, constants, statements that are left out. */
export function mutationsOf(source: string): Mutation[] {
  const found: Mutation[] = [];
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }) as Tree, (node) => {
    const change = mutationOf(source, node);
    if (change) found.push(change);
  });
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

function mutationOf(source: string, node: Tree): Mutation | undefined {
  const replace = ({ start, end }: Place, text: string): Mutation => ({
    start,
    end,
    text,
    what: `${shown(source, { start, end })} -> ${text}`,
  });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression': {
      const { left, right, operator = '' } = node;
      const other = isMeasured(left, right) ? OPPOSITES[operator] : OPERATORS[operator];
      if (!left || !right || other === undefined || isText(left) || isText(right)) return undefined;
      const at = source.indexOf(operator, left.end);
      const place = { start: at, end: at + operator.length };
      return { ...place, text: other, what: `${shown(source, node)}: ${operator} -> ${other}` };
    }
    case 'IfStatement':
    case 'ConditionalExpression':
      return node.test ? replace(node.test, `!(${source.slice(node.test.start, node.test.end)})`) : undefined;
    case 'Literal':
      if (typeof node.value === 'boolean') return replace(node, String(!node.value));
      return typeof node.value === 'number' ? replace(node, String(otherNumber(node.value))) : undefined;
    case 'ExpressionStatement':
      return isCall(node.expression) ? replace(node, ';') : undefined;
    default:
      return undefined;
  }
}

/** One more of a few is another number; one more of a thousand is the same, to what it measures. */
function otherNumber(value: number): number {
  return value < FEW ? value + 1 : 0;
}

type Place = Pick<Mutation, 'start' | 'end'>;

function shown(source: string, { start, end }: Place): string {
  return source.slice(start, end).replaceAll(/\s+/g, ' ').slice(0, SHOWN);
}

/** A text joined from others is a message, mostly; and `+` of texts has no opposite. */
function isText({ type, value }: Tree): boolean {
  return type === 'TemplateLiteral' || (type === 'Literal' && typeof value === 'string');
}

function isCall(node: Tree | undefined): boolean {
  if (node?.type === 'AwaitExpression') return isCall(node.argument ?? undefined);
  return node?.type === 'CallExpression';
}

/** Names that the compiler makes of `using`. */
const OF_THE_COMPILER = /^(?:__|env_\d)/;

/** Tells whether the compiler has put it there: its helpers, and where they are called. */
function isOfTheCompiler({ type, id, expression, left }: Tree): boolean {
  const name =
    type === 'VariableDeclarator'
      ? id?.name
      : type === 'ExpressionStatement'
        ? (expression?.callee?.name ?? expression?.left?.object?.name)
        : left?.object?.name;
  return name !== undefined && OF_THE_COMPILER.test(name);
}

/** A bound or a measure by itself has a name in capitals: that one more or less of it is wrong cannot be said of any. */
const MEASURE = /^[A-Z][A-Z0-9_]*$/;

function isMeasure({ type, id, init }: Tree): boolean {
  return type === 'VariableDeclarator' && MEASURE.test(id?.name ?? '') && isArithmetic(init);
}

function isArithmetic(node: Tree | null | undefined): boolean {
  if (node?.type === 'BinaryExpression') return isArithmetic(node.left) && isArithmetic(node.right);
  return node?.type === 'Literal' || node?.type === 'Identifier';
}

function isMeasured(...sides: readonly (Tree | undefined)[]): boolean {
  return sides.some((side) => side?.type === 'Identifier' && MEASURE.test(side.name ?? ''));
}

/** Makers of errors: what they are told in words is text. */
const OF_ERRORS = /(?:Error|Failure)$/;

function visit(node: Tree, use: (node: Tree) => void): void {
  if (isOfTheCompiler(node) || isMeasure(node)) return;
  if (node.type === 'CallExpression' && OF_THE_COMPILER.test(node.callee?.name ?? '')) {
    // What is put into its care is ours.
    const [, ours] = node.arguments ?? [];
    if (ours) visit(ours, use);
    return;
  }
  use(node);
  const makesError = OF_ERRORS.test(node.callee?.name ?? '');
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child !== 'object' || child === null || !('type' in child && 'start' in child)) continue;
      if (!(makesError && child.type === 'TemplateLiteral')) visit(child, use);
    }
  }
}
