import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  orderRow,
  productRow,
  readHeader,
  readRow,
  type Columns,
} from "../../../src/domain/files/rows.ts";
import { attachment, displayName } from "../../../src/domain/files/rules.ts";

const PRODUCT: Columns = ["sku", "name", "price", "currency", "seller_id"];
const ORDER: Columns = [
  "order_id",
  "user_id",
  "total_amount",
  "customer_email",
  "currency",
  "locale",
];

it("a header may have its columns in any order and case, and others besides", () => {
  expect(readHeader(["Price", " sku ", "note", "NAME", "currency"], productRow)).toEqual({
    columns: ["price", "sku", null, "name", "currency"],
    ignored: ["note"],
  });
});

it("of many columns that nobody knows some are named: they stand in the result of the file", () => {
  const others = Array.from({ length: 30_000 }, () => "");
  const header = readHeader(["sku", "name", "price", "currency", ...others], productRow);
  expect("columns" in header && header.columns).toHaveLength(30_004);
  expect("ignored" in header && header.ignored).toEqual(others.slice(0, 100));
});

it.each([
  [["sku", "name"], "The first line lacks columns: price, currency (separated by commas)."],
  [["sku", "name", "price", "currency", "SKU"], "Columns come twice: sku."],
])("the header %j is wrong", (names, wrong) => {
  expect(readHeader(names, productRow)).toEqual({ wrong });
});

it.each([
  ["19.99", 1_999],
  ["0", 0],
  ["4.35", 435],
  ["4.3", 430],
  ["999999.99", 99_999_999],
])("a price of %s is %i minor units", (price, minor) => {
  const read = readRow(["A1", "Lamp", price, "EUR", ""], 2, PRODUCT, productRow);
  expect(read).toEqual({ row: { sku: "A1", name: "Lamp", price: minor, currency: "EUR" } });
});

it.each(["-1", "1e3", "1,50", "1.999", "NaN", "1000000", " "])("%j is no price", (price) => {
  const read = readRow(["A1", "Lamp", price, "EUR", "7"], 9, PRODUCT, productRow);
  expect(read).toMatchObject({ errors: [{ line: 9, field: "price" }] });
});

it.each(["A 1", "a/b", "стол", "x".repeat(65), "", ".", ".."])(
  "%j is no sku: pages of products and reviews could not name it",
  (sku) => {
    const read = readRow([sku, "Lamp", "1", "EUR", ""], 4, PRODUCT, productRow);
    expect(read).toMatchObject({ errors: [{ line: 4, field: "sku" }] });
  },
);

it("all that is wrong with a row is said, with its line", () => {
  const read = readRow(["a b", "0", "0.00", "x@y@z", "usd", "de"], 7, ORDER, orderRow);
  expect("errors" in read && read.errors.map(({ line, field }) => [line, field])).toEqual(
    ORDER.map((field) => [7, field]),
  );
});

it.each([
  "a@localhost",
  `${"a".repeat(65)}@example.com`,
  "a@example.com, b@example.com",
  "a@-x.com",
])("an order to %j is refused: no mail would reach it", (address) => {
  const read = readRow(["1", "2", "10", address, "", ""], 3, ORDER, orderRow);
  const message = "Must be one e-mail address.";
  expect(read).toEqual({ errors: [{ line: 3, field: "customer_email", message }] });
});

it("an order's currency is USD and its language nobody's unless they are given", () => {
  const read = readRow(["1", "2", "10", "a@example.com", "", ""], 2, ORDER, orderRow);
  expect(read).toEqual({
    row: {
      ...{ order_id: "1", user_id: 2, total_amount: 1_000 },
      ...{ customer_email: "a@example.com", currency: "USD" },
    },
  });
});

it("a row with another number of fields than the header is wrong as a whole", () => {
  const message = "Has 2 fields instead of 5.";
  expect(readRow(["A1", "Lamp"], 3, PRODUCT, productRow)).toEqual({
    errors: [{ line: 3, field: null, message }],
  });
});

it.each([
  ["products.csv", "products.csv"],
  ["../../etc/passwd", "passwd"],
  ["C:\\temp\\list.csv", "list.csv"],
  ["a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"],
  ["photo\u202Egpj.exe", "photogpj.exe"],
  ["..", "file"],
  ["", "file"],
  ["\uD800.csv", "�.csv"],
  ["товары.csv", "товары.csv"],
])("the name %j is shown as %j", (given, shown) => {
  expect(displayName(given)).toBe(shown);
});

it("whatever its name, a file is named in one header of plain ASCII, and in full", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (given) => {
      const name = displayName(given);
      const header = attachment(name);
      expect(header).toMatch(
        /^attachment; filename="[^"\\%\r\n]*"; filename\*=UTF-8''[A-Za-z0-9!~._%-]*$/,
      );
      expect(decodeURIComponent(header.split("''")[1] ?? "")).toBe(name);
      expect(name.length).toBeLessThanOrEqual(400);
    }),
  );
});
