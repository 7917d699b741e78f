import { connection } from 'next/server';
import { X } from '../ui/x.js';
export default async function P() {
  await connection();
  return <X />;
}
