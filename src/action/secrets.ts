/**
 * What must not be seen of the inputs: the user and password of every URL in them, also as the URL spells them.
 *
 * @param texts inputs, and whatever else may hold URLs
 */
export function secretsIn(texts: readonly string[]): readonly string[] {
  const secrets = new Set<string>()
  for (const text of texts) {
    for (const [, userInfo = ''] of text.matchAll(/[a-z][a-z0-9+.-]*:\/\/([^/?#\s@]*)@/gi)) {
      const [user = '', ...rest] = userInfo.split(':')
      // A user alone is a token, as in https://TOKEN@host; with a password it is a name.
      for (const secret of rest.length === 0 ? [user] : [rest.join(':')]) {
        secrets.add(secret)
        secrets.add(decoded(secret))
      }
    }
    for (const [, value = ''] of text.matchAll(
      /[?&][\w-]*(?:token|signature|sig|secret|password|key)=([^&#\s]+)/gi,
    )) {
      secrets.add(value)
      secrets.add(decoded(value))
    }
  }
  // What is shorter would blot out half the log without hiding anything.
  return [...secrets].filter((secret) => secret.length >= 4)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
