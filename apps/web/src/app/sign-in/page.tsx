import type { Metadata } from 'next';
import { SignInPage } from '../../access/SignInPage';

export const metadata: Metadata = { title: 'Sign in' };

export default function SignInRoute() {
  return <SignInPage />;
}
