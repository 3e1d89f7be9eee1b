// The checks of an anchor, from the checkpoint outwards: the extrinsic holds the checkpoint, the account signed the
// extrinsic, the extrinsic stands in the block, the block is final. Each is made on its own, whatever the others say.
import {
  ChainError,
  decodeHeader,
  decodeSignedExtrinsic,
  encodeAnchorCall,
  endsWithCall,
  equalBytes,
  genesisHashIn,
  hexToBytes,
  ProofError,
  remarkCallOf,
  signedMessageOf,
  verifyExtrinsicProof,
  type AnchorCall,
  type BlockHeader,
  type RemarkCall,
  type SignedExtrinsic,
} from '../chain/index.ts';
import { decodeSs58, IdentityError, verifyEd25519 } from '../identity/index.ts';
import { fail, notChecked, pass, type CheckName, type Finding } from './check.ts';
import type { FinalityAnswer, FinalityInquiry } from './finality.ts';
import type { ReceiptAnchor } from './receipt-format.ts';

export type AnchorCheckName = Extract<CheckName, `anchor-${string}` | 'finality'>;

/** What the rest of the receipt says that the anchor must agree with. */
export interface AnchorContext {
  readonly origin: string;
  /** Checkpoint (signed note) of the inclusion proofs; undefined when it could not be read. */
  readonly checkpoint: { readonly text: string; readonly size: number } | undefined;
  readonly finality: FinalityInquiry | undefined;
  /** Accounts that rotations among the receipt's entries put in the place of the one that the origin names. */
  readonly laterAccounts: readonly Uint8Array[];
}

export function checkAnchor(anchor: ReceiptAnchor, context: AnchorContext): Record<AnchorCheckName, Finding> {
  const header = headerOf(anchor);
  return {
    'anchor-checkpoint': checkCheckpoint(anchor, context),
    'anchor-call': checkCall(anchor),
    'anchor-signer': checkSigner(anchor, context),
    'anchor-signature': checkSignature(anchor),
    'anchor-inclusion': checkInclusion(anchor, header),
    'anchor-header': checkHeader(anchor, header),
    finality: checkFinality(anchor, context.finality),
  };
}

function checkCheckpoint(anchor: ReceiptAnchor, { checkpoint }: AnchorContext): Finding {
  if (checkpoint === undefined) return fail('the proofs have no readable checkpoint to compare with');
  if (anchor.checkpoint !== checkpoint.text)
    return fail('the anchored checkpoint is not the one of the proofs');
  if (anchor.size !== checkpoint.size)
    return fail(`the anchor says size ${anchor.size}, its checkpoint ${checkpoint.size}`);
  return pass(`the proofs rest on the anchored checkpoint of ${anchor.size} entries`);
}

/** The call at the end of the extrinsic, when it commits the anchor's checkpoint. */
type CommittingCall =
  | (RemarkCall & { readonly kind: 'remark' })
  | { readonly kind: 'recipe'; readonly recipe: AnchorCall; readonly bytes: Uint8Array };

function committingCallOf(
  extrinsic: SignedExtrinsic,
  anchor: ReceiptAnchor,
): CommittingCall | { readonly why: string } {
  if (anchor.call !== undefined) return filledCallOf(extrinsic, anchor, anchor.call);
  const remark = remarkCallOf(extrinsic, new TextEncoder().encode(anchor.checkpoint));
  return remark === undefined
    ? { why: 'it does not end with a call of which this checkpoint is the argument' }
    : { kind: 'remark', ...remark };
}

function filledCallOf(
  extrinsic: SignedExtrinsic,
  { checkpoint }: ReceiptAnchor,
  recipe: AnchorCall,
): CommittingCall | { readonly why: string } {
  if (!recipe.arguments.some(({ from }) => from === 'root' || from === 'checkpoint')) {
    return { why: 'its call takes neither root nor checkpoint: it commits to nothing' };
  }
  try {
    const bytes = encodeAnchorCall(recipe, checkpoint);
    return endsWithCall(extrinsic, bytes)
      ? { kind: 'recipe', recipe, bytes }
      : { why: 'it does not end with the call that its recipe makes of this checkpoint' };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    return { why: error.message };
  }
}

function checkCall(anchor: ReceiptAnchor): Finding {
  const extrinsic = decodeSignedExtrinsic(hexToBytes(anchor.extrinsic));
  if ('why' in extrinsic) return fail(`not a signed extrinsic: ${extrinsic.why}`);
  const call = committingCallOf(extrinsic, anchor);
  if ('why' in call) return fail(`the extrinsic does not commit the checkpoint: ${call.why}`);
  if (call.kind === 'recipe') {
    const { index, pallet, name, arguments: filled } = call.recipe;
    const fields = filled.map(({ from }) => from).join(', ');
    return pass(
      `call ${index.join('.')} (the station says ${pallet}.${name}) with ${fields} of exactly this checkpoint; whether the runtime accepted it only the chain can tell`,
    );
  }
  const which = `call ${call.palletIndex}.${call.callIndex}`;
  return call.isRemarkWithEvent
    ? pass(`system.remarkWithEvent (${which}) of exactly this checkpoint`)
    : notChecked(`${which} of exactly this checkpoint; only the chain's metadata say whether it is a remark`);
}

function checkSigner(anchor: ReceiptAnchor, { origin, laterAccounts }: AnchorContext): Finding {
  const account = accountIn(origin);
  if (account === undefined) return notChecked(`the log's origin "${origin}" names no chain account`);
  const extrinsic = decodeSignedExtrinsic(hexToBytes(anchor.extrinsic));
  if ('why' in extrinsic) return fail(`not a signed extrinsic: ${extrinsic.why}`);
  if (equalBytes(extrinsic.signer, account)) {
    return pass(`the extrinsic is of the account that the origin names`);
  }
  return laterAccounts.some((later) => equalBytes(extrinsic.signer, later))
    ? pass(
        'the extrinsic is of the account that a rotation put in the place of the one that the origin names',
      )
    : fail('the extrinsic is of another account than the origin names');
}

function checkSignature(anchor: ReceiptAnchor): Finding {
  const extrinsic = decodeSignedExtrinsic(hexToBytes(anchor.extrinsic));
  if ('why' in extrinsic) return fail(`not a signed extrinsic: ${extrinsic.why}`);
  if (extrinsic.signatureKind !== 'ed25519') {
    return fail(`signed with ${extrinsic.signatureKind}; a station's account signs with ed25519`);
  }
  if (anchor.additionalSigned === undefined) {
    return notChecked(
      'the receipt does not hold what was signed beside the extrinsic (genesis hash, versions); the chain checked it when it took the extrinsic',
    );
  }
  const additional = hexToBytes(anchor.additionalSigned);
  if (!equalBytes(genesisHashIn(additional), hexToBytes(anchor.genesisHash))) {
    return fail('what was signed is for a chain with another genesis hash');
  }
  const call = committingCallOf(extrinsic, anchor);
  if ('why' in call) return fail(`what was signed does not commit this checkpoint: ${call.why}`);
  return verifyEd25519(extrinsic.signer, signedMessageOf(extrinsic, call, additional), extrinsic.signature)
    ? pass(`the account signed this call for the chain with genesis ${anchor.genesisHash}`)
    : fail("the account's signature does not fit this call on this chain");
}

function checkInclusion(anchor: ReceiptAnchor, header: BlockHeader | undefined): Finding {
  if (header === undefined) return fail('the header cannot be read');
  const verdict = verifyExtrinsicProof(
    header.extrinsicsRoot,
    anchor.extrinsicIndex,
    hexToBytes(anchor.extrinsic),
    anchor.extrinsicProof.map(hexToBytes),
  );
  return verdict.ok
    ? pass(`extrinsic ${anchor.extrinsicIndex} of the block, proved under its extrinsics root`)
    : fail(`not proved to stand in the block: ${verdict.why}`);
}

function checkHeader(anchor: ReceiptAnchor, header: BlockHeader | undefined): Finding {
  if (header === undefined) return fail('the header cannot be read');
  if (!equalBytes(header.hash, hexToBytes(anchor.blockHash)))
    return fail('the header has another hash than the block');
  if (header.number !== anchor.blockNumber) {
    return fail(`the receipt says block ${anchor.blockNumber}, its header ${header.number}`);
  }
  return pass(`header of block ${header.number}, ${anchor.blockHash}`);
}

function checkFinality(anchor: ReceiptAnchor, answer: FinalityInquiry | undefined): Finding {
  if (answer === undefined) return notChecked('no chain was asked whether the block is final (--chain)');
  if ('unanswered' in answer) return notChecked(answer.unanswered);
  if (answer.genesisHash !== anchor.genesisHash) {
    return fail(`asked the chain with genesis ${answer.genesisHash}, the anchor is on ${anchor.genesisHash}`);
  }
  const { askedOf, finalizedNumber } = answer;
  switch (answer.verdict) {
    case 'final':
      return pass(`block ${anchor.blockNumber} is final, says ${askedOf}`);
    case 'not-final-yet':
      return fail(
        `block ${anchor.blockNumber} is not final yet, says ${askedOf}: final is block ${finalizedNumber}`,
      );
    case 'not-canonical':
      return fail(`the final chain has another block ${anchor.blockNumber}, says ${askedOf}`);
    case 'unknown':
      return notChecked(
        `${askedOf} cannot tell about block ${anchor.blockNumber}, ${whyUnknown(answer, anchor)}`,
      );
  }
}

function whyUnknown({ by, finalizedNumber }: FinalityAnswer, { blockNumber }: ReceiptAnchor): string {
  const below = `${finalizedNumber - blockNumber} below the newest final one`;
  return by === 'light client'
    ? `${below}: the chain's own record of recent blocks does not reach so far back; ask a node that keeps its history`
    : `${below}: it does not keep it; ask a node that keeps its history`;
}

function headerOf(anchor: ReceiptAnchor): BlockHeader | undefined {
  try {
    return decodeHeader(hexToBytes(anchor.header));
  } catch (error) {
    if (error instanceof ProofError) return undefined;
    throw error;
  }
}

/** The account in an origin of the form `delmonicos/<SS58>`, or `…/2` of the station's second log. */
function accountIn(origin: string): Uint8Array | undefined {
  const address = /^delmonicos\/([1-9A-HJ-NP-Za-km-z]{40,60})(?:\/\d{1,9})?$/.exec(origin)?.[1];
  if (address === undefined) return undefined;
  try {
    return decodeSs58(address).account;
  } catch (error) {
    if (error instanceof IdentityError) return undefined;
    throw error;
  }
}
