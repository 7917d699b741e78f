import { redirect } from 'next/navigation';

/** The start page is the list of machines. */
export default function StartRoute() {
  redirect('/machines');
}
