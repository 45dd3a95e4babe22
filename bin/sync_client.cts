#!/usr/bin/env node
const { runProgram }: { runProgram(name: string): void } = require('./run-program.cjs');
const { checkNode }: { checkNode(program: string): void } = require('./check-node.cjs');

checkNode('sync_client');
runProgram('sync_client');
