import { describe, expect, it } from 'vitest';
import { cutElfKernel, decodeLz4Block } from './elf-kernel.js';

describe('decodeLz4Block', () => {
  it('copies literals, then a match that overlaps itself', () => {
    // token 0x1f: one literal, match of 15+4 continued by 1; offset 1 repeats the literal
    expect(decodeLz4Block(Buffer.from([0x1f, 0x61, 1, 0, 1, 0x10, 0x62]), 100).toString()).toBe(`${'a'.repeat(21)}b`);
  });

  it('refuses a match from before the block, and literals that are not there', () => {
    expect(() => decodeLz4Block(Buffer.from([0x10, 0x61, 9, 0]), 100)).toThrow('outside');
    expect(() => decodeLz4Block(Buffer.from([0x50, 0x61]), 100)).toThrow('past the end');
    expect(() => decodeLz4Block(Buffer.from([0xf0, 255]), 100)).toThrow('middle of a length');
  });
});

describe('cutElfKernel', () => {
  it('finds the ELF behind the boot code and stops before what follows the frame', () => {
    const block = Buffer.from([0x50, 0x7f, 0x45, 0x4c, 0x46, 0x02]);
    const length = Buffer.from([block.length, 0, 0, 0]);
    const vmlinuz = Buffer.concat([
      Buffer.from('boot code'),
      Buffer.from([0x02, 0x21, 0x4c, 0x18]),
      length,
      block,
      Buffer.from([5, 0, 0, 0, 1, 2]),
    ]);
    expect(cutElfKernel(vmlinuz)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02]));
  });

  it('says so when there is no lz4 in it', () => {
    expect(() => cutElfKernel(Buffer.from('xz'))).toThrow('not compressed with lz4');
  });
});
