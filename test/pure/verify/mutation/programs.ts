/** A kernel of a few lines: adds its index to every element of x, in blocks of 32 threads. */
export const SMALL = `
.version 8.8
.target sm_90a
.address_size 64

.visible .entry small_0(
	.param .u64 .ptr .global .align 16 small_0_param_0,
	.param .u32 small_0_param_1
)
.reqntid 32, 1, 1
{
	.reg .pred 	%p<4>;
	.reg .b32 	%r<12>;
	.reg .b64 	%rd<4>;

	ld.param.b64 	%rd1, [small_0_param_0];
	ld.param.b32 	%r1, [small_0_param_1];
	mov.u32 	%r2, %tid.x;
	mov.u32 	%r3, %ctaid.x;
	shl.b32 	%r4, %r3, 5;
	add.s32 	%r5, %r4, %r2;
	setp.ge.s32 	%p1, %r5, %r1;
	and.b32 	%r6, %r2, 63;
	setp.gt.u32 	%p2, %r6, 31;
	mul.lo.s32 	%r9, %r2, 3;
	shfl.sync.idx.b32 	%r7, %r1, 0, 31, -1;
	@%p1 bra 	$L__END;
	@%p2 bra 	$L__NEXT;
$L__NEXT:
	mul.wide.s32 	%rd2, %r5, 4;
	add.s64 	%rd3, %rd1, %rd2;
	ld.global.b32 	%r8, [%rd3];
	add.s32 	%r10, %r8, %r6;
	add.s32 	%r11, %r10, %r7;
	st.global.b32 	[%rd3], %r11;
$L__END:
	ret;
}
`;
