'use client';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../ui/Button';
import { TextField } from '../ui/Field';
import { Logo } from '../ui/Logo';
import { readReturnPath, signIn } from './session';

/** Takes an access token and changes it for a session. */
export function SignInPage() {
  const [token, setToken] = useState('');
  const [refusal, setRefusal] = useState<string>();
  const [isAsking, setAsking] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (token.trim() === '') return setRefusal('Paste an access token first.');
    setAsking(true);
    const answer = await signIn(token.trim());
    if (answer === null) return window.location.assign(readReturnPath(window.location.search));
    setRefusal(answer);
    setAsking(false);
  }

  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <div className="w-full max-w-sm">
        <div className="mb-5 flex items-center justify-center gap-2.5">
          <Logo size={30} />
          <span className="text-xl font-semibold tracking-tight">Coppice</span>
        </div>
        <form onSubmit={submit} noValidate className="card space-y-4 p-6 shadow-lg shadow-(color:--shadow)">
          <h1 className="text-base font-semibold">Sign in</h1>
          <TextField
            label="Access token"
            type="password"
            autoComplete="current-password"
            autoFocus
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
            error={refusal}
            hint="An owner of your project makes tokens. On your own machine: see credentials.json in the data folder."
            className="font-mono"
          />
          <Button type="submit" look="primary" isBusy={isAsking} icon={<KeyRound size={15} aria-hidden />} className="w-full">
            {isAsking ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
        <p className="mt-4 text-center text-[12.5px] text-ink-faint">
          Snapshots for virtual machines. The token stays in this browser’s session only.
        </p>
      </div>
    </main>
  );
}
