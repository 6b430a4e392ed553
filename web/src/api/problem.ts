/** Anything the server refused, or that kept us from reaching it, as one kind of error the page can show. */

export interface ProblemBody {
  title: string
  status: number
  detail: string
  code: string
  facts: Record<string, unknown>
}

export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly facts: Record<string, unknown>

  constructor(body: ProblemBody) {
    super(`${body.status} ${body.code}: ${body.detail || body.title}`)
    this.name = 'Problem'
    this.status = body.status
    this.code = body.code
    this.title = body.title
    this.detail = body.detail
    this.facts = body.facts
  }

  /** The server could not be reached at all; `status` is 0. */
  static unreachable(cause: string): Problem {
    return new Problem({ title: '', status: 0, detail: cause, code: 'unreachable', facts: {} })
  }

  /** Read problem+json; a proxy's HTML page or an empty body still becomes a Problem. */
  static async from(response: Response): Promise<Problem> {
    const type = response.headers.get('content-type') ?? ''
    let body: Partial<ProblemBody> = {}
    if (type.includes('json')) {
      try {
        body = (await response.json()) as Partial<ProblemBody>
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
      }
    }
    return new Problem({
      title: typeof body.title === 'string' ? body.title : '',
      status: response.status,
      detail: typeof body.detail === 'string' ? body.detail : '',
      code: typeof body.code === 'string' ? body.code : `http_${response.status}`,
      facts: body.facts ?? {},
    })
  }
}

/** Turns what was thrown by a call into a Problem; programming errors are thrown on. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  throw error
}
