(module
  ;; A template of a provider: the test replaces the names in braces. The memory contains the answers that the test has prepared,
  ;; and the body of each function returns the address of its answer. The export names are those that a component requires.
  (import "[export]{contract}" "[resource-new]merchant" (func $merchant (param i32) (result i32)))
  (import "[export]{contract}" "[resource-new]writeoff-export" (func $writeoff-export (param i32) (result i32)))
  {imports}
  (memory (export "memory") {memory})
  (global $free (mut i32) (i32.const {free}))
  (data (i32.const 1024) "{data}")
  ;; Allocates memory and never frees it.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    {realloc}
    (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get 3))))
  {more}
  (func (export "{contract}#describe") (result i32) {describe})
  (func (export "{contract}#[static]merchant.configure") (param i32 i32) (result i32) {configure})
  (func (export "{contract}#[method]merchant.callback-proof") (param i32) (result i32) {callback-proof})
  (func (export "{contract}#[method]merchant.create-link") (param i32) (result i32) {create-link})
  (func (export "{contract}#[method]merchant.handle-callback") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32)
    (result i32) {handle-callback})
  (func (export "{contract}#[method]merchant.export-writeoffs") (param i32) (result i32) {export-writeoffs})
  (func (export "{contract}#[method]writeoff-export.append") (param i32 i32 i32) (result i32) {append})
  (func (export "{contract}#[method]writeoff-export.finish") (param i32) (result i32) {finish})
  (func (export "{contract}#[method]writeoff-export.read") (param i32) (result i32) {read}))
