// What tests use of jac-format, the library with which UDT itself reads and writes its CSV form.

declare module 'jac-format' {
  const jac: {
    toCSV(
      value: unknown,
      options: { rows: readonly string[]; columns: readonly string[]; validate: boolean },
    ): string;
    toJSON(csv: string, options?: { derivePath: () => string }): unknown;
  };
  export default jac;
}
