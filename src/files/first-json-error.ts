// Where a text stops being JSON, for people: JSON.parse says a position at best, and not always.

import jsonc from 'jsonc-parser';

/** What is wrong, by the name of the parser's error. */
const problems: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a value is expected (true, false, null, a number, or text in quotation marks)',
  InvalidNumberFormat: 'a number is not complete',
  PropertyNameExpected: 'a key in quotation marks is expected',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a } is expected',
  CloseBracketExpected: 'a ] is expected',
  EndOfFileExpected: 'nothing more is expected after the end of the value',
  InvalidCommentToken: 'comments are not possible in JSON',
  UnexpectedEndOfComment: 'comments are not possible in JSON',
  UnexpectedEndOfString: 'a text has no closing quotation mark in its line',
  UnexpectedEndOfNumber: 'a number is not complete',
  InvalidUnicode: 'four hexadecimal digits are expected after \\u',
  InvalidEscapeCharacter: 'a text has a \\ before something that needs none; a \\ itself is written \\\\',
  InvalidCharacter: 'a text has a control character, which has to be written as \\n, \\t or \\u00…',
};

interface Found {
  readonly problem: string;
  readonly line: number;
  readonly column: number;
}

/** The first error of a text, as `line 3, column 7: a comma is expected`; undefined if there is none. It recurses. */
export function firstJsonError(text: string): string | undefined {
  const found: Found[] = [];
  const visitor: jsonc.JSONVisitor = {
    onError: (code, _offset, _length, startLine, startCharacter) => {
      const problem = problems[jsonc.printParseErrorCode(code)] ?? 'this is not JSON';
      if (found.length === 0) found.push({ problem, line: startLine + 1, column: startCharacter + 1 });
    },
  };
  jsonc.visit(text, visitor, { disallowComments: true, allowTrailingComma: false });
  return found.map(({ line, column, problem }) => `line ${line}, column ${column}: ${problem}`)[0];
}
