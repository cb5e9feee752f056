var __webpack_exports__ = {};

;// CONCATENATED MODULE: ./src/domain/x.ts
const x = 'hello';

;// CONCATENATED MODULE: ./src/cli/main.ts

console.log(x);

