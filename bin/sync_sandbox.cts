#!/usr/bin/env node
const { keepDebuggerClosed }: { keepDebuggerClosed(program: string): void } = require('./guard.cjs');

keepDebuggerClosed('sync_sandbox');

import('./sandbox-command.ts').then(({ main }) => main());
