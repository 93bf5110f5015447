/**
 * What people choose most, in small letters: whole passwords, and words that get a tail ("welcome2024!").
 * Runs of keys and repetitions are found by rule, see password-rules.ts.
 */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  `
  password passw0rd p@ssword p@ssw0rd pa$$word pa$$w0rd passwort passwords mypassword password1234
  thepassword newpassword oldpassword yourpassword changeme changeit changethis changeme123 letmein
  letmein1 letmeinnow welcome welcome1 welcomehome administrator admin adminadmin admin123 admin1234
  rootroot root toor sysadmin superuser superadmin supervisor operator guest guestguest testtest test
  tester testing testuser testpass test1234 testtest1 default secret secrets topsecret mysecret login
  loginlogin access accessme system server computer internet network windows microsoft windowsxp
  linux ubuntu oracle mysql postgres google facebook instagram linkedin twitter youtube myspace yahoo
  hotmail gmail amazon netflix spotify samsung iphone android nokia motorola blackberry playstation
  nintendo minecraft fortnite roblox pokemon pikachu starwars startrek skywalker harrypotter hogwarts
  gandalf superman batman spiderman ironman wolverine deadpool avengers matrix jedi yoda darthvader
  qwerty qwertz azerty qwert qwerty12 qwerty123 qwe123qwe qweqwe asdasd zxczxc asdfasdf qweasd qweasdzxc
  1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 1qazxsw2 1qaz2wsx 1qaz2wsx3edc
  zaq12wsx zaq1zaq1 zaq1xsw2 !qaz2wsx qazwsx qazwsxedc qazxsw 1qazzaq1 2wsx3edc a1b2c3d4 a1s2d3f4 abcd1234
  abc12345 abc123abc 123abc123 1234abcd 12345abc 123qweasd 123qwe123 123qweasdzxc qwe12345 asd12345
  a1234567 a12345678 a123456789 1234567a 12345678a 123456789a q1234567 q12345678 1234567q 12345678q
  12344321 123454321 1234554321 123321123 123123123 123654789 147258369 147852369 159357456 741852963
  789456123 987456321 963852741 321654987 456789123 102030405 10203040 11223344 1122334455 112233445566
  13131313 19841984 19851985 19861986 19871987 19881988 19891989 19901990 19911991 19921992 20002000
  20202020 12121212 23232323 69696969 77777777 iloveyou iloveyou1 iloveyou2 ilovey0u iloveu iloveme
  iloveyousomuch loveyou lovelove loveme iloveyouforever mylove truelove lovely lover lovers iloveher ilovehim
  sunshine princess prince dragon monkey football baseball basketball soccer hockey volleyball softball
  swimming golf tennis rugby cricket michael jordan jordan23 jennifer jessica ashley amanda nicole
  daniel danielle anthony matthew andrew joshua robert william charlie thomas michelle elizabeth
  stephanie samantha victoria veronica christian christopher christina alexander alexandra alexandr
  benjamin jonathan jeremy brandon patrick richard charles natalie natasha gabriel gabriela isabella
  olivia sophia emily hannah maria marina valentina francesco alejandro fernando ricardo roberto
  chelsea arsenal liverpool liverpool1 manchester barcelona realmadrid juventus everton rangers celtic
  cowboys eagles steelers yankees lakers redsox packers raiders broncos dolphins patriots
  shadow master mustang corvette ferrari porsche mercedes toyota honda yamaha harley kawasaki suzuki
  trustno1 trustnoone whatever freedom forever killer hunter ranger buster soldier warrior assassin
  hello hellohello hello123 helloworld goodbye nothing something anything everything nobody
  jesus jesuschrist iamgod godisgood godislove blessed heaven angel angels angelina faith
  cheese chocolate cookie cookies banana orange apple strawberry blueberry cherry peanut pepper ginger
  butterfly flower flowers rainbow diamond silver golden purple yellow orange blueberry sunflower
  summer winter spring autumn january february march april june july august september october november
  december monday tuesday wednesday thursday friday saturday sunday birthday christmas halloween
  elephant tiger tigger lion panther leopard dolphin penguin snoopy scooby garfield mickey minnie
  mickeymouse donald bugsbunny spongebob tinkerbell barbie hellokitty
  america american california newyork chicago florida texas london paris berlin moscow russia ukraine
  canada australia germany france england scotland ireland brasil brazil argentina mexico
  money money123 business company office manager customer service support sales marketing finance
  school student teacher college university library
  fuckyou fuckyou1 fuckoff fuckme asshole bullshit bitch pussy
  superstar rockstar popstar metallica slipknot nirvana eminem blink182 greenday linkinpark beatles
  guitar music musica player gamer gaming counter counterstrike warcraft starcraft diablo
  babygirl babyboy sweetheart sweetie honey darling beautiful gorgeous handsome
  bonjour motdepasse doudou chouchou soleil passw0rt hallo hallohallo schatz geheim ficken
  contrasena contraseña tequiero teamo estrella mariposa senha felicidade
  qwertyuiop qwertyui asdfghjkl asdfghjk zxcvbnm zxcvbnm1 poiuytrewq lkjhgfdsa mnbvcxz
  samurai phoenix merlin thunder lightning hurricane tornado blizzard avalanche
  пароль парольпароль мойпароль новыйпароль йцукен йцукенгш йцукен123 привет приветик любовь люблю
  люблютебя ялюблютебя солнце солнышко наташа настя александр александра сергей дмитрий андрей
  алексей екатерина марина максим россия москва украина спартак зенит динамо медведь котенок кошка
  администратор админ секрет
  parol parolparol moyparol privet privetprivet lubov lublu solnce solnishko natasha nastya sergey
  dmitriy andrey aleksey aleksandr ekaterina maksim rossiya moskva spartak zenit dinamo
  gfhjkm gfhjkmgfhjkm vjqgfhjkm ghbdtn ghbdtnghbdtn k.,jdm yfnfif cthutq fylhtq vfhbyf vfrcbv hjccbz
  vjcrdf nfymrf ktyjxrf fktrcfylh fktrctq lvbnhbq ljcneg bcnjhbz
  `
    .trim()
    .split(/\s+/),
);
